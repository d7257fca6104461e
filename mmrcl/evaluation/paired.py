"""Paired differences between two ways of training: by seed and by test image."""

import math
from typing import NamedTuple

import numpy as np

from mmrcl.arguments import check_array

__all__ = ['MeanError', 'headroom_share', 'image_test', 'mean_error']


class MeanError(NamedTuple):
    """A mean, or a ratio of means, and its standard error; NaN for a single seed."""

    value: float
    error: float


def mean_error(values: np.ndarray) -> MeanError:
    """Compute the mean of values, (S,), such as differences by seed, and its standard error."""
    values = check_array(values, 'values', '(S,)')
    if len(values) < 2:
        return MeanError(float(np.mean(values)), math.nan)
    return MeanError(float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values))))


def image_test(first: np.ndarray, second: np.ndarray) -> float:
    r"""Test over images whether two classifiers are right equally often.

    With d the difference, (first - second), of each of M images,

    .. math::
        z = \sum_i d_i / \sqrt{\sum_i d_i^2}

    is standard normal for many images under the null hypothesis that the sign of every d is
    random. With one prediction per image this is McNemar's test without continuity correction:
    z squared is (b - c)^2 / (b + c). With several trainings and draws of the labels, d is
    their mean, so that images remain the independent units. The trainings are then fixed: the
    test does not generalise to other seeds.

    Args:
        first: Whether each image is classified correctly, (P, M) bool; P predictions per image.
        second: The same for the other classifier, its predictions paired with the first's.

    Returns:
        Two-sided p-value; 1 if no image differs.

    Raises:
        ValueError: If the shapes differ, or values are missing, NaN or Inf.
    """
    first, second = (
        check_array(part, name, '(P, M)') for name, part in dict(first=first, second=second).items()
    )
    if first.shape != second.shape:
        raise ValueError(
            f'predictions of shapes {first.shape} and {second.shape} cannot be paired: score both '
            'on the same test images and draws of the labels'
        )
    difference = (first - second).mean(axis=0)
    scale = math.sqrt(float((difference**2).sum()))
    if scale == 0:
        return 1.0
    return math.erfc(abs(float(difference.sum())) / scale / math.sqrt(2))


def headroom_share(arm: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> MeanError:
    """Compute the share of the headroom that an arm gains, (arm - lower) / (upper - lower).

    Args:
        arm: Accuracies by seed, (S,).
        lower: Accuracies of the arm that counts as 0, for the same seeds.
        upper: Accuracies of the arm that counts as 1.

    Returns:
        The share, and its standard error by the jackknife over seeds.
    """
    arm, lower, upper = (
        check_array(part, name, '(S,)')
        for name, part in dict(arm=arm, lower=lower, upper=upper).items()
    )
    if not len(arm) == len(lower) == len(upper):
        raise ValueError(
            f'arm, lower and upper have {len(arm)}, {len(lower)} and {len(upper)} seeds'
        )
    gained, room = arm - lower, upper - lower
    share = float(gained.sum() / room.sum())
    if len(arm) < 2:
        return MeanError(share, math.nan)
    without = (gained.sum() - gained) / (room.sum() - room)
    spread = np.square(without - without.mean()).sum() * (len(arm) - 1) / len(arm)
    return MeanError(share, math.sqrt(float(spread)))
