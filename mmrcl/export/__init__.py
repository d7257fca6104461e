"""From a checkpoint to files that other libraries load.

Each format is written or refused on its own. A network of another library is filled, and its
features are compared with the encoder's, before its file is written.
"""

from .counterparts import Counterpart, NoFormatError, find_counterpart
from .encoder import TrainedEncoder, trained_encoder
from .image_format import ImageFormat, image_format
from .model_card import write_model_card
from .writing import CHECKPOINT_FORMATS, EXPORT_FORMATS, Exported, write_formats

__all__ = [
    'CHECKPOINT_FORMATS',
    'EXPORT_FORMATS',
    'Counterpart',
    'Exported',
    'ImageFormat',
    'NoFormatError',
    'TrainedEncoder',
    'find_counterpart',
    'image_format',
    'trained_encoder',
    'write_formats',
    'write_model_card',
]
