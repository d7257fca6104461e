"""Data sets whose samples carry ``sample_idx``, samplers and seeding.

mmpretrain's own data sets can be used unchanged; ``CustomDataset`` and ``ImageNet`` here replace
its own of these names.
"""

import mmrcl.registry  # noqa: F401  imports mmpretrain first, without its warnings

from .balanced_share import balanced_share
from .class_folders import CustomDataset, ImageNet, ImageNet21k
from .class_names import check_same_classes, class_names, compare_classes
from .digits import Digits
from .evenly_spaced_sampler import EvenlySpacedSampler
from .image_folder import ImageFolder
from .resumable_sampler import ResumableSampler, SampleKey
from .seeded_dataset import UNREADABLE, SeededDataset
from .seeding import seed_all
from .subsets import balanced_subset

__all__ = [
    'CustomDataset',
    'Digits',
    'EvenlySpacedSampler',
    'ImageFolder',
    'ImageNet',
    'ImageNet21k',
    'ResumableSampler',
    'SampleKey',
    'SeededDataset',
    'UNREADABLE',
    'balanced_share',
    'balanced_subset',
    'check_same_classes',
    'class_names',
    'compare_classes',
    'seed_all',
]
