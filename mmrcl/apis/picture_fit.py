"""Whether pictures fit an encoder, by a few of their headers."""

import contextlib
import statistics
import warnings
from collections.abc import Sequence

from PIL import Image, ImageMode

__all__ = ['warn_of_misfit']

_LOOKED_AT = 32


def warn_of_misfit(paths: Sequence[str], shape: Sequence[int]) -> None:
    """Warn if pictures are much smaller than an encoder's input, or have other channels.

    Args:
        paths: image files, of which a few evenly spaced ones are looked at.
        shape: of the encoder's input, (C, H, W).
    """
    channels, *sides = shape
    headers = _headers(paths[:: -(-len(paths) // _LOOKED_AT)])
    if not headers:
        return
    side = statistics.median(min(size) for size, _ in headers)
    if 2 * side < min(sides):
        _warn(
            f'the pictures are small for this encoder: their median side is {side:g} pixels, its '
            f'input {min(sides)}. Its features may say little: take an encoder for small images, '
            'or pretrain one on these'
        )
    gray = statistics.mean(mode == 'L' for _, mode in headers)
    if channels == 3 and gray > 0.5:
        _warn(
            'most pictures are gray, and the encoder takes 3 channels: each repeats the gray, '
            'which suits an encoder that was trained with such pictures'
        )
    elif channels == 1 and gray < 0.5:
        _warn('most pictures have colours, and the encoder takes 1 channel: it sees them as gray')


def _headers(paths: Sequence[str]) -> list[tuple[tuple[int, int], str]]:
    """Return width and height, and the base mode, of those files that Pillow can open."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        for path in paths:
            with (
                contextlib.suppress(OSError, Image.DecompressionBombError),
                Image.open(path) as image,
            ):
                found.append((image.size, ImageMode.getmode(image.mode).basemode))
    return found


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=4)
