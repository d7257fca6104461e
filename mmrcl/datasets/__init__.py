"""Data sets whose samples carry ``sample_idx``, samplers and seeding.

mmpretrain's own data sets can be used unchanged.
"""

import mmrcl.registry  # noqa: F401  imports mmpretrain first, without its warnings

from .balanced_share import balanced_share
from .digits import Digits
from .evenly_spaced_sampler import EvenlySpacedSampler
from .image_folder import ImageFolder
from .resumable_sampler import ResumableSampler, SampleKey
from .seeded_dataset import UNREADABLE, SeededDataset
from .seeding import seed_all
from .subsets import balanced_subset

__all__ = [
    'Digits',
    'EvenlySpacedSampler',
    'ImageFolder',
    'ResumableSampler',
    'SampleKey',
    'SeededDataset',
    'UNREADABLE',
    'balanced_share',
    'balanced_subset',
    'seed_all',
]
