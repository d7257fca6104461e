"""Data sets whose samples carry ``sample_idx``, reading of images, samplers and seeding.

Configs, Python functions and the page of a hierarchy read image files in one way:

- EXIF orientation is applied.
- Transparent pixels are composited on a background, by default white.
- Of 16 bits per channel the upper 8 are kept: 0 to 65535 becomes 0 to 255.
- Float pixels of 0 to 1 become 0 to 255. Other floats and 32-bit integers are refused, because
  their range is unknown.
- The number of pixels is checked in the header, before anything is decoded.
- Every error of reading becomes an :class:`UnreadableImageError`.

mmpretrain's own data sets can be used unchanged; ``CustomDataset`` and ``ImageNet`` here replace
its own of these names.
"""

import mmrcl.registry  # noqa: F401  imports mmpretrain first, without its warnings

from .balanced_share import balanced_share
from .class_folders import CustomDataset, ImageNet, ImageNet21k
from .class_names import check_same_classes, class_names, compare_classes
from .digits import Digits
from .epochs_batch_sampler import EpochsBatchSampler
from .evenly_spaced_sampler import EvenlySpacedSampler
from .glyphs import Glyphs
from .hugging_face import HuggingFaceBackend, HuggingFaceDataset
from .image_folder import ImageFolder
from .image_reading import (
    MAX_PIXELS,
    WHITE,
    ImageHeader,
    UnreadableImageError,
    read_header,
    read_image,
)
from .load_image import LoadImageFromFile, guard_loaders, guarded
from .partly_labeled import PartlyLabeled, PartlyLabeledSampler
from .random_resized_crops import RandomResizedCrops
from .resumable_sampler import ResumableSampler, SampleKey
from .seeded_dataset import SeededDataset
from .seeding import seed_all
from .subsets import stratified_subset
from .tar_shards import TarBackend, TarShards

__all__ = [
    'CustomDataset',
    'Digits',
    'EpochsBatchSampler',
    'EvenlySpacedSampler',
    'Glyphs',
    'HuggingFaceBackend',
    'HuggingFaceDataset',
    'ImageFolder',
    'ImageHeader',
    'ImageNet',
    'ImageNet21k',
    'LoadImageFromFile',
    'MAX_PIXELS',
    'PartlyLabeled',
    'PartlyLabeledSampler',
    'RandomResizedCrops',
    'ResumableSampler',
    'SampleKey',
    'SeededDataset',
    'TarBackend',
    'TarShards',
    'UnreadableImageError',
    'WHITE',
    'balanced_share',
    'check_same_classes',
    'class_names',
    'compare_classes',
    'guard_loaders',
    'guarded',
    'read_header',
    'read_image',
    'seed_all',
    'stratified_subset',
]
