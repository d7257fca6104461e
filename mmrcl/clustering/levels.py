"""Warnings about levels that are not what was asked for."""

import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from mmrcl.arguments import check_levels

from .hierarchy import canonical_labels
from .quality import summarize_partition

MISSED = 1.25  # factor between the mean size and the one asked for, above which it is missed
ALONE = 0.5  # share of images without a same-cluster sample, at sizes of 2 and more


class LevelWarning(UserWarning):
    """Warning that levels coincide, or that their clusters have other sizes than asked for."""


def check_mean_sizes(mean_sizes: Sequence[float]) -> None:
    """Raise ValueError unless the sizes ascend from at least 1."""
    sizes = list(mean_sizes)
    if not sizes or sizes != sorted(sizes) or not all(1 <= size < math.inf for size in sizes):
        raise ValueError(f'mean_sizes={sizes} must ascend from at least 1')


def warn_of_missed_sizes(labels: Tensor, mean_sizes: Sequence[float], remedy: str) -> None:
    """Issue a :class:`LevelWarning` for each level that misses its mean number of images.

    A level misses it by a factor above 1.25, or if more than half of the images are alone where two
    or more a cluster were asked for.

    Args:
        labels: shape (H - 1, N), from fine to coarse.
        mean_sizes: images a cluster that were asked for, one per level.
        remedy: what to try, unless more images were asked for than there are.
    """
    labels = check_levels(labels)
    for level, (partition, size) in enumerate(zip(labels, mean_sizes, strict=True), 2):
        found = summarize_partition(partition)
        alone = found.singletons / len(partition)
        if (
            max(found.mean_size / size, size / found.mean_size) > MISSED
            or alone > ALONE
            and size >= 2
        ):
            warnings.warn(
                f'level {level} has {found.mean_size:.3g} images a cluster where {size:.3g} were '
                f'asked for, and {alone:.0%} of the images are alone; try '
                + (remedy if size <= len(partition) else f'at most {len(partition)}, all images'),
                LevelWarning,
                stacklevel=3,
            )


def warn_of_equal_levels(labels: Tensor) -> None:
    """Issue a :class:`LevelWarning` for each level whose clusters are those of the level below.

    Args:
        labels: shape (H - 1, N), from fine to coarse. Below level 2 are the images themselves.
    """
    labels = check_levels(labels)
    below = torch.arange(labels.shape[1], device=labels.device)
    for level, partition in enumerate(labels, 2):
        fine, below = below, canonical_labels(partition)
        if below.equal(fine):
            warnings.warn(
                f'levels {level - 1} and {level} have the same clusters, so the coarser one adds '
                'no criterion: ask for larger clusters there, or for fewer levels',
                LevelWarning,
                stacklevel=3,
            )
