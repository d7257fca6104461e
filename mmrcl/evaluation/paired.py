"""Differences between two ways of training, in pairs: by seed and by test image."""

import math
from typing import NamedTuple

import numpy as np

__all__ = ['MeanError', 'headroom_share', 'image_test', 'mean_error']


class MeanError(NamedTuple):
    """A mean, or a ratio of means, and its standard error; nan from a single seed."""

    value: float
    error: float


def mean_error(values: np.ndarray) -> MeanError:
    """Mean of values, (S,), such as differences by seed, and its standard error."""
    if len(values) < 2:
        return MeanError(float(np.mean(values)), math.nan)
    return MeanError(float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values))))


def image_test(first: np.ndarray, second: np.ndarray) -> float:
    r"""Test over images whether two classifiers are right equally often.

    With d the difference, (first - second), of each of M images,

    .. math::
        z = \sum_i d_i / \sqrt{\sum_i d_i^2}

    is standard normal where the sign of every d is a fair coin's, for many images. For one
    prediction an image it is McNemar's test without continuity correction: z squared is
    (b - c)^2 / (b + c). With several trainings and draws of the labels d is their mean, which
    keeps the images the independent units; the trainings are then taken as given, so it says
    nothing of other seeds.

    Args:
        first: Whether each image is classified rightly, (P, M) bool; P predictions an image.
        second: The same of the other classifier, its predictions paired with the first's.

    Returns:
        Two-sided p; 1 where no image differs.

    Raises:
        ValueError: If the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(
            f'predictions of shapes {first.shape} and {second.shape} cannot be paired: score both '
            'on the same test images and draws of the labels'
        )
    difference = (first.astype(float) - second.astype(float)).mean(axis=0)
    scale = math.sqrt(float((difference**2).sum()))
    if scale == 0:
        return 1.0
    return math.erfc(abs(float(difference.sum())) / scale / math.sqrt(2))


def headroom_share(arm: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> MeanError:
    """Share of the headroom that an arm captures, (arm - lower) / (upper - lower) of the means.

    Args:
        arm: Accuracies by seed, (S,).
        lower: Those of the arm that counts as 0, of the same seeds.
        upper: Those of the arm that counts as 1.

    Returns:
        The share, and its standard error by the jackknife over seeds.
    """
    gained, room = arm - lower, upper - lower
    share = float(gained.sum() / room.sum())
    if len(arm) < 2:
        return MeanError(share, math.nan)
    without = (gained.sum() - gained) / (room.sum() - room)
    spread = np.square(without - without.mean()).sum() * (len(arm) - 1) / len(arm)
    return MeanError(share, math.sqrt(float(spread)))
