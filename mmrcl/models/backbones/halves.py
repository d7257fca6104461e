"""Halves of an image: luminance and colour, or low and high frequencies."""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from mmrcl.registry import MODELS

# Rows: Y, Db, Dr (SECAM) from gamma-corrected R, G, B.
_YDBDR = ((0.299, 0.587, 0.114), (-0.450, -0.883, 1.333), (-1.333, 1.116, 0.217))
# Rows: X, Y, Z from linear R, G, B (sRGB, IEC 61966-2-1), and those of its white, D65.
_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE = (0.95047, 1.0, 1.08883)


@MODELS.register_module()
class ColorHalves(nn.Module):
    """Luminance, one channel, and colour, two channels, each about in [-1, 1].

    Args:
        mean: of the data preprocessor, in RGB, which is undone.
        std: of the data preprocessor, in RGB.
        space: ``'Lab'``, CIE L*a*b* with white D65, or ``'YDbDr'``.

    Raises:
        ValueError: for another space.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mean: Sequence[float] = (123.675, 116.28, 103.53),
        std: Sequence[float] = (58.395, 57.12, 57.375),
        space: Literal['Lab', 'YDbDr'] = 'Lab',
    ) -> None:
        super().__init__()
        if space not in ('Lab', 'YDbDr'):
            raise ValueError(f"space='{space}' of ColorHalves is unknown: use 'Lab' or 'YDbDr'")
        self.convert = rgb_to_lab if space == 'Lab' else rgb_to_ydbdr
        for name, values in dict(mean=mean, std=std).items():
            constant = torch.tensor(values).view(-1, 1, 1) / 255
            self.register_buffer(name, constant, persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Split normalised RGB (N, 3, H, W) into luminance (N, 1, H, W) and colour (N, 2, H, W).

        Raises:
            ValueError: for another number of channels.
        """
        if images.shape[1] != 3:
            raise ValueError(
                f'ColorHalves takes 3 channels, not {images.shape[1]}: set model.backbone.halves='
                'dict(type="FrequencyHalves") for grey images'
            )
        with torch.autocast(images.device.type, enabled=False):
            luminance, color = self.convert(images.float() * self.std + self.mean).split([1, 2], 1)
        return luminance, color


@MODELS.register_module()
class FrequencyHalves(nn.Module):
    """Low and high spatial frequencies, for images without colour.

    The low half is the image blurred by a Gaussian, the high half is what the blur removed.

    Args:
        sigma: standard deviation of the Gaussian in pixels.

    Raises:
        ValueError: if it is not positive.
    """

    kernel: Tensor

    def __init__(self, sigma: float = 1.0) -> None:
        super().__init__()
        if sigma <= 0:
            raise ValueError(f'FrequencyHalves: sigma={sigma} must be above 0')
        reach = math.ceil(3 * sigma)
        kernel = (-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2)).exp()
        self.register_buffer('kernel', kernel / kernel.sum(), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Split images (N, C, H, W) into two of the same shape, which add up to them."""
        reach, channels = len(self.kernel) // 2, images.shape[1]
        rows = self.kernel.expand(channels, 1, 1, -1)
        padded = pad(images, (reach,) * 4, mode='replicate')
        low = conv2d(conv2d(padded, rows, groups=channels), rows.mT, groups=channels)
        return low, images - low


def rgb_to_ydbdr(images: Tensor) -> Tensor:
    """Convert RGB of 0 to 1, shape (N, 3, H, W), to Y, Db and Dr, scaled to [-1, 1]."""
    luminance, color = _mixed(images, _YDBDR).split([1, 2], 1)
    return torch.cat([2 * luminance - 1, color / 1.333], 1)


def rgb_to_lab(images: Tensor) -> Tensor:
    """Convert sRGB of 0 to 1, shape (N, 3, H, W), to L / 50 - 1, a / 100 and b / 100."""
    images = images.clamp(0, 1)
    linear = torch.where(images > 0.04045, ((images + 0.055) / 1.055) ** 2.4, images / 12.92)
    xyz = _mixed(linear, _XYZ) / images.new_tensor(_WHITE)[:, None, None]
    bent = torch.where(
        xyz > (6 / 29) ** 3, xyz.clamp(min=1e-6) ** (1 / 3), xyz * (29 / 6) ** 2 / 3 + 4 / 29
    )
    x, y, z = bent.split(1, 1)
    return torch.cat([1.16 * 2 * y - 0.32 - 1, 5 * (x - y), 2 * (y - z)], 1)


def _mixed(images: Tensor, matrix: Sequence[Sequence[float]]) -> Tensor:
    """Multiply the channels of each pixel (N, 3, H, W) by a matrix."""
    return torch.einsum('ij,njhw->nihw', images.new_tensor(matrix), images)
