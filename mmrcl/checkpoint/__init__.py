"""Conversion of pretraining checkpoints to weights for other models and libraries.

State dicts in, state dicts out; depends only on torch and mmengine's checkpoint reader.
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
