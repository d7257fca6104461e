"""Batched Gaussian blur, with a standard deviation for each image."""

import numpy as np
from torch import Tensor
from torch.nn.functional import conv2d, pad

from mmrcl.registry import MODELS

from .base import BatchTransform, Numbers


@MODELS.register_module()
class BatchGaussianBlur(BatchTransform):
    """Blur as Pillow's ``GaussianBlur`` does, which mmpretrain's transform of that name calls.

    Args:
        sigma_range: smallest and largest standard deviation, in pixels; Pillow's radius.
        prob: share of the images that it is applied to.

    Raises:
        ValueError: if the range is not one.
    """

    draws = 1

    def __init__(self, sigma_range: tuple[float, float], prob: float = 1.0) -> None:
        super().__init__(prob)
        ends = sigma_range if isinstance(sigma_range, (list, tuple)) else ()
        if len(ends) != 2 or not 0 <= ends[0] <= ends[1]:
            raise ValueError(
                f'BatchGaussianBlur: sigma_range={sigma_range} must be two numbers, at least 0 and '
                'the smaller one first'
            )
        self.low, self.high = ends

    def parameters(self, draws: Numbers, size: tuple[int, int]) -> Numbers:
        """Compute the kernel of each image, shape (m, width)."""
        sigma = self.low + draws[:, 0] * (self.high - self.low)
        return pillow_kernels(sigma, self.high)

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Convolve columns and rows; the border pixels go on beyond the border."""
        count, channels, _, _ = images.shape
        reach, groups = values.shape[1] // 2, count * channels
        kernels = values.repeat_interleave(channels, 0)
        padded = pad(images, (reach, reach, reach, reach), mode='replicate').flatten(0, 1)[None]
        rows = conv2d(padded, kernels[:, None, None], groups=groups)
        return conv2d(rows, kernels[:, None, :, None], groups=groups).view_as(images)


def pillow_kernels(sigma: Numbers, largest: float) -> Numbers:
    """Compute the kernels of Pillow's Gaussian blur: three boxes with a fractional end.

    Their variance is that of the Gaussian (Gwosdek et al., SSVM 2011).

    Args:
        sigma: standard deviations in pixels, shape (m,).
        largest: the largest that can occur, which determines the width.

    Returns:
        Kernels of sum 1, shape (m, 6 r + 1) for boxes of r pixels to each side.
    """
    whole, _ = _box(np.array([largest]))
    reach = int(whole[0]) + 1
    whole, end = _box(sigma)
    distance = np.abs(np.arange(-reach, reach + 1))
    inner, border = distance <= whole[:, None], distance == whole[:, None] + 1
    box = inner + border * end[:, None]
    box /= box.sum(1, keepdims=True)
    return _convolved(_convolved(box, box), box)


def _box(sigma: Numbers) -> tuple[Numbers, Numbers]:
    """Return whole pixels to each side of a box, and the weight of the next one."""
    variance = sigma**2 / 3
    whole = np.floor((np.sqrt(12 * variance + 1) - 1) / 2)
    end = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance)
    return whole, end / (6 * (variance - (whole + 1) ** 2))


def _convolved(first: Numbers, second: Numbers) -> Numbers:
    """Convolve each row of one array (m, a) with the same row of another (m, b)."""
    width = second.shape[1]
    out = np.zeros((len(first), first.shape[1] + width - 1))
    for shift, column in enumerate(first.T):
        out[:, shift : shift + width] += column[:, None] * second
    return out
