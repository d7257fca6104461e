"""Batched cutting of an image into shuffled patches."""

import numpy as np
import torch
from torch import Tensor

from mmrcl.registry import MODELS

from .base import BatchTransform, Numbers


@MODELS.register_module()
class BatchJigsaw(BatchTransform):
    """Cut a patch at random from each cell of a grid, and stack the patches in random order.

    The patches of an image lie one below another. Put it last in a view.

    Args:
        grid: cells along a side.
        patch: height and width of a patch in pixels; smaller than a cell, so that neighbours do not
            share an edge that gives their places away.

    Raises:
        ValueError: for a grid below 1, or patches that do not fit into the cells.
    """

    def __init__(self, grid: int = 3, patch: int = 64) -> None:
        super().__init__()
        if grid < 1 or patch < 1:
            raise ValueError(f'BatchJigsaw: grid={grid} and patch={patch} must be at least 1')
        self.grid = grid
        self.patch = patch
        self.draws = 3 * grid**2

    def parameters(self, draws: Numbers, size: tuple[int, int]) -> Numbers:
        """Draw the first row and column of each patch, in their random order, (m, 2 grid^2)."""
        cell = np.array(size) // self.grid
        if cell.min() < self.patch:
            raise ValueError(
                f'BatchJigsaw: patch={self.patch} does not fit into a cell of {cell[0]} x {cell[1]}'
                f' pixels: crop to at least {self.grid * self.patch} x {self.grid * self.patch}'
            )
        cells = np.stack(np.divmod(np.arange(self.grid**2), self.grid))
        drawn = draws.reshape(len(draws), 3, -1)
        corners = cells * cell[:, None] + np.floor(drawn[:, :2] * (cell[:, None] - self.patch + 1))
        order = drawn[:, 2].argsort(1)
        shuffled: Numbers = np.take_along_axis(corners, order[:, None], 2)
        return shuffled.reshape(len(draws), 2 * self.grid**2)

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the stacked patches."""
        return self.grid**2 * self.patch, self.patch

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Gather the pixels of the patches."""
        steps = torch.arange(self.patch, device=images.device)
        first = values.long().view(len(images), 2, -1, 1) + steps
        rows, columns = first[:, 0].flatten(1), first[:, 1].repeat_interleave(self.patch, 1)
        image = torch.arange(len(images), device=images.device)
        pixels = images[image[:, None, None], :, rows[:, :, None], columns]
        return pixels.permute(0, 3, 1, 2)
