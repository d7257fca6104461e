"""Random numbers of a counter-based generator: each depends only on its place in the run.

Philox 4x32-10 (Salmon et al., SC 2011), for all images of a batch at once. NumPy and torch have
Philox generators, but with one state and one sequence, not with a counter for each image.
"""

import numpy as np

__all__ = ['philox', 'uniforms']

_MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
_STEPS = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)  # added to the key in each round
_ROUNDS = 10
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


def uniforms(
    seed: int, epochs: np.ndarray, images: np.ndarray, view: int | np.ndarray, draws: int
) -> np.ndarray:
    """Draw numbers in [0, 1) for the views of images.

    Each number depends only on seed, epoch, image, view and its position among the ``draws``.

    Args:
        seed: seed of the run, below 2^64.
        epochs: epoch of each image, below 2^32, shape (n,).
        images: index of each image in the data set, below 2^32, shape (n,).
        view: number of the view, or one for each image, below 2^32, shape (n,).
        draws: numbers per image.

    Returns:
        Multiples of 2^-32 in float64, shape (n, draws).
    """
    blocks = -(-draws // 4)
    counter = np.empty((len(images), blocks, 4), np.uint64)
    counter[..., 0] = np.arange(blocks)
    counter[..., 1] = np.asarray(view)[..., None]
    counter[..., 2] = np.asarray(images)[:, None]
    counter[..., 3] = np.asarray(epochs)[:, None]
    words = philox(counter, seed).reshape(len(images), 4 * blocks)
    return words[:, :draws] * 2.0**-32


def philox(counter: np.ndarray, key: int) -> np.ndarray:
    """Compute four random words for each counter.

    Args:
        counter: words below 2^32, uint64, shape (..., 4).
        key: 64 bits.

    Returns:
        Words below 2^32, uint64, shape (..., 4).
    """
    keys = np.array([key, key >> 32], np.uint64) & _LOW
    even, odd = counter[..., 0::2], counter[..., 1::2]
    for _ in range(_ROUNDS):
        product = even * _MULTIPLIERS
        high, low = product >> _HALF, product & _LOW
        even, odd = high[..., ::-1] ^ odd ^ keys, low[..., ::-1]
        keys = (keys + _STEPS) & _LOW
    return np.stack([even, odd], -1).reshape(counter.shape)
