"""From a pretraining checkpoint to the weights that other models and libraries load.

State dicts in, state dicts out: torch and mmengine's checkpoint reader alone.
"""

from .encoder import Match, load_weights, match_encoder
from .formats import FORMATS, resnet_state

__all__ = ['FORMATS', 'Match', 'load_weights', 'match_encoder', 'resnet_state']
