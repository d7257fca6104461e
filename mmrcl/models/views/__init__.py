"""Views of a batch, augmented on the training device with random numbers for each image."""

from .base import BatchTransform
from .blur import BatchGaussianBlur
from .color import BatchBrightness, BatchColorJitter, BatchGrayscale, BatchSolarize
from .geometry import BatchAffineCrop, BatchFlip, BatchPatch
from .jigsaw import BatchJigsaw
from .preprocessor import ViewsDataPreprocessor

__all__ = [
    'BatchAffineCrop',
    'BatchBrightness',
    'BatchColorJitter',
    'BatchFlip',
    'BatchGaussianBlur',
    'BatchGrayscale',
    'BatchJigsaw',
    'BatchPatch',
    'BatchSolarize',
    'BatchTransform',
    'ViewsDataPreprocessor',
]
