"""What a batched transform is, and how its numbers reach the device."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = NDArray[np.float64]


class Plan(NamedTuple):
    """What a transform does to a batch, drawn on the host.

    Attributes:
        rows: images that it is applied to, ascending, int64, shape (m,).
        values: their parameters, float32, shape (m, k).
    """

    rows: NDArray[np.int64]
    values: NDArray[np.float32]


class BatchTransform:
    """Base of transforms that take a batch of images, with parameters for each image.

    Args:
        prob: share of the images that it is applied to.

    Raises:
        ValueError: if ``prob`` is no probability.
    """

    draws: int = 0
    """Numbers that :meth:`parameters` takes for each image."""
    colored: ClassVar[bool] = False
    """Whether it needs three channels."""

    def __init__(self, prob: float = 1.0) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'{type(self).__name__}: prob={prob} must be between 0 and 1')
        self.prob = prob

    def plan(self, draws: Numbers, size: tuple[int, int]) -> Plan:
        """Decide on the images to change, by the first number of each, and on their parameters.

        Args:
            draws: numbers in [0, 1), shape (N, 1 + :attr:`draws`).
            size: height and width of the images.
        """
        rows = np.flatnonzero(draws[:, 0] < self.prob)
        return Plan(rows, self.parameters(draws[rows, 1:], size).astype(np.float32))

    def parameters(self, draws: Numbers, size: tuple[int, int]) -> Numbers:
        """Compute parameters (m, k) from numbers in [0, 1), shape (m, :attr:`draws`)."""
        return draws

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of the images that it returns."""
        return size

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Transform images (m, C, H, W), 0 to 255, with one row of ``values`` (m, k) each.

        ``images`` may be changed in place.
        """
        raise NotImplementedError

    def apply(self, images: Tensor, rows: Tensor, values: Tensor) -> Tensor:
        """Transform the images in ``rows``; ``images`` may be changed in place."""
        if len(rows) == len(images):
            return self.transform(images, values)
        if len(rows) == 0:
            return images
        changed = self.transform(images.index_select(0, rows), values)
        return images.index_copy_(0, rows, changed)


def send(plans: Sequence[Plan], device: torch.device) -> list[tuple[Tensor, Tensor]]:
    """Copy the arrays of all plans to a device in one piece, without waiting for it."""
    # Rows come first, so that all of them stand at multiples of their 8 bytes.
    arrays = [plan.rows for plan in plans] + [plan.values.reshape(-1) for plan in plans]
    parts = [array.view(np.uint8) for array in arrays]
    sizes = [len(part) for part in parts]
    packed = torch.empty(sum(sizes), dtype=torch.uint8, pin_memory=device.type == 'cuda')
    packed.numpy()[:] = np.concatenate([np.empty(0, np.uint8), *parts])
    pieces = packed.to(device, non_blocking=True).split(sizes)
    rows = [piece.view(torch.int64) for piece in pieces[: len(plans)]]
    values = [
        piece.view(torch.float32).view(plan.values.shape)
        for piece, plan in zip(pieces[len(plans) :], plans, strict=True)
    ]
    return list(zip(rows, values, strict=True))
