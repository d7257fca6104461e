"""Reading of checkpoints, and conversion to weights for other models and libraries.

State dicts in, state dicts out; depends only on torch and mmengine.
"""

from .config_text import config_from_text
from .formats import CHECKPOINT_WRITERS, nearest_resnet
from .histories import hub_of, plain_hub
from .latest import find_checkpoint, latest_checkpoint
from .matching import Match, load_weights, match_encoder
from .reading import SAFE_TYPES, guard_mmengine, is_whole, read_checkpoint
from .safetensors_file import read_safetensors

__all__ = [
    'CHECKPOINT_WRITERS',
    'SAFE_TYPES',
    'Match',
    'config_from_text',
    'find_checkpoint',
    'guard_mmengine',
    'hub_of',
    'is_whole',
    'latest_checkpoint',
    'load_weights',
    'match_encoder',
    'nearest_resnet',
    'plain_hub',
    'read_checkpoint',
    'read_safetensors',
]
