"""Datasets that give ``sample_idx``; mmpretrain's own are usable beside them unchanged."""

from .digits import Digits
from .evenly_spaced_sampler import EvenlySpacedSampler
from .image_folder import ImageFolder
from .subsets import balanced_subset

__all__ = ['Digits', 'EvenlySpacedSampler', 'ImageFolder', 'balanced_subset']
