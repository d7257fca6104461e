"""Random numbers of a counter-based generator: each depends only on its place in the run.

Philox 4x32-10 (Salmon et al., SC 2011), for all images of a batch at once. NumPy and torch have
Philox generators, but with one state and one sequence, not with a counter for each image.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

__all__ = ['numbers', 'philox', 'uniforms']

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_STEPS = (0x9E3779B9, 0xBB67AE85)  # added to the key in each round
_ROUNDS = 10
_LOW = 0xFFFFFFFF


def uniforms(
    seed: int, epochs: np.ndarray, images: np.ndarray, view: int, draws: int
) -> np.ndarray:
    """Draw numbers in [0, 1) for the views of images.

    Each number depends only on seed, epoch, image, view and its position among the ``draws``.

    Args:
        seed: seed of the run, below 2^64.
        epochs: epoch of each image, below 2^32, shape (n,).
        images: index of each image in the data set, below 2^32, shape (n,).
        view: number of the view.
        draws: numbers per image.

    Returns:
        Multiples of 2^-32 in float64, shape (n, draws).
    """
    blocks = -(-draws // 4)
    counter = np.empty((len(images), blocks, 4), np.uint64)
    counter[..., 0] = np.arange(blocks)
    counter[..., 1] = view
    counter[..., 2] = np.asarray(images)[:, None]
    counter[..., 3] = np.asarray(epochs)[:, None]
    words = philox(counter, seed).reshape(len(images), 4 * blocks)
    return words[:, :draws] * 2.0**-32


def numbers(seed: int, epoch: int, image: int, view: int) -> Iterator[float]:
    """Yield the numbers of one image as :func:`uniforms` draws them, faster if they are few."""
    for block in count():
        for word in _scrambled((block, view, image, epoch), seed):
            yield word * 2.0**-32


def philox(counter: np.ndarray, key: int) -> np.ndarray:
    """Compute four random words for each counter.

    Args:
        counter: words below 2^32, uint64, shape (..., 4).
        key: 64 bits.

    Returns:
        Words below 2^32, uint64, shape (..., 4).
    """
    return np.stack(_scrambled(tuple(np.moveaxis(counter, -1, 0)), key), -1)


def _scrambled(words: tuple[Any, ...], key: int) -> tuple[Any, ...]:
    """Compute the words of a counter, integers or arrays of them."""
    first, second, third, fourth = words
    low, high = key & _LOW, key >> 32 & _LOW
    for _ in range(_ROUNDS):
        even, odd = first * _MULTIPLIERS[0], third * _MULTIPLIERS[1]
        first, second = odd >> 32 ^ second ^ low, odd & _LOW
        third, fourth = even >> 32 ^ fourth ^ high, even & _LOW
        low, high = low + _STEPS[0] & _LOW, high + _STEPS[1] & _LOW
    return first, second, third, fourth
