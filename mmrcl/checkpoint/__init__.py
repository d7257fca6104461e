"""From a pretraining checkpoint to the weights that other models and libraries load.

State dicts in, state dicts out: torch and mmengine's checkpoint reader alone.
"""

from .formats import FORMATS, resnet_state
from .latest import is_whole, latest_checkpoint
from .matching import Match, load_weights, match_encoder

__all__ = [
    'FORMATS',
    'Match',
    'is_whole',
    'latest_checkpoint',
    'load_weights',
    'match_encoder',
    'resnet_state',
]
