"""Checks of the arguments of public functions: features, labels and counts.

They read all values, so functions of each iteration do without them.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

_ROWS = 1 << 16  # rows looked at together


def check_tensor(values: Any, name: str) -> Tensor:
    """Return a tensor or NumPy array as a tensor that shares its memory where it can.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(values, Tensor):
        return values
    try:
        return torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f'{name} must be a tensor or a NumPy array of numbers, got {type(values).__name__}'
        ) from error


def check_features(values: Any, name: str = 'features', rows: int | None = None) -> Tensor:
    """Return features as a tensor of floating point numbers, shape (N, d).

    Rows of zeros pass, as unreadable images have them.

    Args:
        values: a tensor or NumPy array.
        name: name of the argument in messages.
        rows: N, if another argument determines it.

    Raises:
        TypeError: if ``values`` is neither tensor nor array of real numbers.
        ValueError: for another shape, no values, or NaN or Inf among them.
    """
    features = check_tensor(values, name)
    if features.is_complex():
        raise TypeError(f'{name} must be real numbers, got {features.dtype}')
    if features.ndim != 2 or not features.numel():
        raise ValueError(
            f'{name} of shape {tuple(features.shape)} must be of shape (N, d), with at least one '
            'row and one column'
        )
    _check_rows(features, name, rows)
    check_finite(features, name)
    return features if features.is_floating_point() else features.float()


def check_finite(features: Tensor, name: str = 'features') -> None:
    """Raise a ValueError that names the first row of ``features`` (N, ...) with NaN or Inf."""
    finite = [part.isfinite().flatten(1).all(1) for part in features.split(_ROWS)]
    wrong = (~torch.cat(finite)).nonzero().flatten()
    if len(wrong):
        raise ValueError(
            f'{name}: {len(wrong)} of {len(features)} rows have NaN or Inf, the first is row '
            f'{int(wrong[0])}: leave these rows out, or mend what made them'
        )


def check_labels(
    values: Any, name: str = 'labels', rows: int | None = None, least: int | None = None
) -> Tensor:
    """Return labels as a tensor of integers, shape (N,).

    Args:
        values: a tensor or NumPy array of integers.
        name: name of the argument in messages.
        rows: N, if another argument determines it.
        least: the smallest label allowed, if there is one.

    Raises:
        TypeError: if ``values`` are no integers.
        ValueError: for another shape, no labels, or a label that is too small.
    """
    labels = check_integers(values, name)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(
            f'{name} of shape {tuple(labels.shape)} must be of shape (N,), with at least one label'
        )
    _check_rows(labels, name, rows)
    if least is not None and int(labels.min()) < least:
        place = int((labels < least).nonzero()[0])
        raise ValueError(
            f'{name} must be at least {least}, but row {place} has {int(labels[place])}'
        )
    return labels


def check_levels(values: Any, name: str = 'labels') -> Tensor:
    """Return the labels of several levels as a tensor of integers, shape (L, N).

    Raises:
        TypeError: if ``values`` are no integers.
        ValueError: for another shape or no labels.
    """
    labels = check_integers(values, name)
    if labels.ndim != 2 or not labels.numel():
        raise ValueError(
            f'{name} of shape {tuple(labels.shape)} must be of shape (levels, images), with at '
            'least one of each'
        )
    return labels


def check_integers(values: Any, name: str) -> Tensor:
    """Return integers as a tensor of any shape, or raise a TypeError."""
    found = check_tensor(values, name)
    if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
        raise TypeError(f'{name} must be integers, got {found.dtype}')
    return found


def check_array(values: Any, name: str, shape: str) -> np.ndarray:
    """Return finite real numbers as an array of float64.

    Args:
        values: an array, a tensor or nested lists.
        name: name of the argument in messages.
        shape: names of the dimensions, such as ``'(P, M)'``.

    Raises:
        TypeError: if ``values`` are no real numbers.
        ValueError: for another number of dimensions, no values, or NaN or Inf among them.
    """
    found = check_tensor(values, name)
    if found.is_complex():
        raise TypeError(f'{name} must be real numbers, got {found.dtype}')
    if found.ndim != len(shape.strip('(,)').split(',')) or not found.numel():
        raise ValueError(f'{name} of shape {tuple(found.shape)} must be {shape}, not empty')
    if not found.isfinite().all():
        raise ValueError(f'{name} have NaN or Inf: leave these out, or mend what made them')
    return found.detach().cpu().double().numpy()


def check_width(features: Tensor, width: int, name: str, other: str) -> None:
    """Raise a ValueError unless ``features`` (N, d) are as wide as those called ``other``."""
    if features.shape[1] != width:
        raise ValueError(
            f'{name} have {features.shape[1]} columns, {other} have {width}: both must come from '
            'the same encoder'
        )


def check_at_least(value: float, name: str, least: float) -> None:
    """Raise a ValueError unless ``value`` is a number of at least ``least``."""
    if not value >= least:
        raise ValueError(f'{name}={value} must be at least {least}')


def _check_rows(values: Tensor, name: str, rows: int | None) -> None:
    if rows is not None and len(values) != rows:
        raise ValueError(f'{name} have {len(values)} rows, but there are {rows} images')
