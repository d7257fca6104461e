"""Thumbnails in sprite sheets: many small images in one file, each in its own tile."""

import io
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from .tree import Tree

__all__ = ['Layout', 'encode_sheets', 'sheet_layout', 'thumbnail', 'tile_order']

SHEET = 1024  # pixels, a side
_BLOCK = 16  # JPEG subsamples colour in blocks of 16 x 16 pixels: tiles must not share one
_LOSSLESS = 16  # images up to this side are stored exactly, as PNG
_QUALITY = 85


class Layout(NamedTuple):
    """Layout of the tiles in a sheet.

    Attributes:
        side: side of an image in pixels.
        pitch: distance between tiles in pixels, at least ``side``.
        columns: tiles in a row; a full sheet has as many rows.
        format: ``'PNG'`` or ``'JPEG'``.
    """

    side: int
    pitch: int
    columns: int
    format: str

    @property
    def capacity(self) -> int:
        """Number of tiles in a full sheet."""
        return self.columns**2


def sheet_layout(side: int) -> Layout:
    """Choose the layout for images of ``side`` x ``side`` pixels."""
    if side <= _LOSSLESS:
        return Layout(side, side, SHEET // 2 // side, 'PNG')
    pitch = -(-side // _BLOCK) * _BLOCK
    return Layout(side, pitch, SHEET // pitch, 'JPEG')


def thumbnail(image: np.ndarray, side: int) -> np.ndarray:
    """Crop the central square of an image and resize it to ``side`` x ``side``.

    Args:
        image: (H, W) gray or (H, W, 3) RGB, uint8.
        side: side of the result in pixels.

    Raises:
        ValueError: for another type or shape, or an image without pixels.
    """
    image = np.asarray(image)
    gray_or_rgb = image.ndim in (2, 3) and image.shape[2:] in ((), (3,))
    if image.dtype != np.uint8 or not gray_or_rgb or not image.size:
        raise ValueError(
            f'image is {image.dtype} of shape {image.shape}: pass uint8, gray (H, W) or RGB '
            '(H, W, 3)'
        )
    height, width = image.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = image[top : top + short, left : left + short]
    if short == side:
        return square
    resized = Image.fromarray(square).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def tile_order(tree: Tree, early: np.ndarray, capacity: int) -> np.ndarray:
    """Order the images by their tiles, shape (N,).

    The first sheet contains what is shown first: the images ``early`` (E,) and then the prototypes
    of as many nodes as fit. The others follow in the order of the tree, so that the members of a
    node are adjacent.
    """
    wanted = np.concatenate([early, tree.prototype[: 4 * capacity]])
    first = wanted[np.sort(np.unique(wanted, return_index=True)[1])][:capacity]
    rest = tree.order[: tree.order.max() + 1]
    return np.concatenate([first, rest[~np.isin(rest, first)]])


def encode_sheets(images: np.ndarray, order: np.ndarray, layout: Layout) -> Iterator[bytes]:
    """Yield the sheets one after another, as encoded files.

    Args:
        images: (N, side, side) or (N, side, side, 3), uint8.
        order: image of each tile, shape (N,).
        layout: result of :func:`sheet_layout`.
    """
    for start in range(0, len(order), layout.capacity):
        tiles = images[order[start : start + layout.capacity]]
        file = io.BytesIO()
        sheet = Image.fromarray(_assemble(tiles, layout))
        sheet.save(file, layout.format, quality=_QUALITY, optimize=True)
        yield file.getvalue()


def _assemble(tiles: np.ndarray, layout: Layout) -> np.ndarray:
    """Assemble one sheet as an array; a tile's last row and column fill the gap to the next."""
    rows = -(-len(tiles) // layout.columns)
    missing = rows * layout.columns - len(tiles)
    gap = layout.pitch - layout.side
    tail = [(0, 0)] * (tiles.ndim - 3)
    tiles = np.pad(tiles, [(0, 0), (0, gap), (0, gap), *tail], 'edge')
    tiles = np.pad(tiles, [(0, missing), (0, 0), (0, 0), *tail])
    grid = tiles.reshape(rows, layout.columns, *tiles.shape[1:]).swapaxes(1, 2)
    return grid.reshape(rows * layout.pitch, layout.columns * layout.pitch, *tiles.shape[3:])
