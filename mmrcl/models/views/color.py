"""Batched transforms of colours, with factors for each image. Values are 0 to 255."""

from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from mmrcl.registry import MODELS

from .base import BatchTransform, Numbers

_LUMA = (0.2989, 0.587, 0.114)
_ORDERS = np.array(list(permutations(range(4))))
_SECTORS = np.array([5, 3, 1])  # of red, green and blue, for `shift_hue`
_SAME = (1.0, 0.0, 0.0)  # factors of `blend` that change nothing


@MODELS.register_module()
class BatchColorJitter(BatchTransform):
    """Change brightness, contrast, saturation and hue, in an order of its own for each image.

    Distribution and definitions are those of torchvision's ``ColorJitter``.

    Args:
        brightness: a factor is drawn from [max(0, 1 - brightness), 1 + brightness].
        contrast: as ``brightness``.
        saturation: as ``brightness``.
        hue: a shift is drawn from [-hue, hue] of the colour circle, at most 0.5.
        prob: share of the images that it is applied to.

    Raises:
        ValueError: for a strength that is no number or negative, or a hue above 0.5.
    """

    draws = 5
    colored = True

    def __init__(
        self,
        brightness: float = 0.0,
        contrast: float = 0.0,
        saturation: float = 0.0,
        hue: float = 0.0,
        prob: float = 1.0,
    ) -> None:
        super().__init__(prob)
        given = (brightness, contrast, saturation, hue)
        if not all(isinstance(each, (int, float)) and each >= 0 for each in given) or hue > 0.5:
            raise ValueError(
                f'BatchColorJitter: brightness={brightness}, contrast={contrast}, saturation='
                f'{saturation} and hue={hue} must be numbers, at least 0, hue at most 0.5'
            )
        strengths = np.array(given)
        self.hue = hue
        center = np.array([1, 1, 1, 0])
        self.low = np.maximum(center - strengths, [0, 0, 0, -hue])
        self.high = center + strengths

    def parameters(self, draws: Numbers, size: tuple[int, int]) -> Numbers:
        """Draw three blends before the shift of hue, (m, 9), the shift, (m, 3), and three after.

        Brightness, contrast and saturation are cases of :func:`blend`. An image has three of these
        six; the others change nothing.
        """
        order = _ORDERS[(draws[:, 0] * len(_ORDERS)).astype(int)]
        factors = self.low + draws[:, 1:] * (self.high - self.low)
        brightness, contrast, saturation, hue = factors.T
        none, one = np.zeros_like(hue), np.ones_like(hue)
        blends = np.array(
            [
                [brightness, none, none],
                [contrast, none, 1 - contrast],
                [saturation, 1 - saturation, none],
                [one, none, none],
            ]
        ).transpose(2, 0, 1)
        ordered = np.take_along_axis(blends, order[..., None], 1)
        turn = order.argmax(1)[:, None, None]  # the position of the shift of hue
        position = np.arange(4)[:, None]
        before = np.where(position < turn, ordered, _SAME)[:, :3].reshape(-1, 9)
        after = np.where(position > turn, ordered, _SAME)[:, 1:].reshape(-1, 9)
        return np.concatenate([before, 6 * hue[:, None] + _SECTORS, after], 1)

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Blend, shift the hue and blend again."""
        before, hue, after = values.split([9, 3, 9], 1)
        for factors in before.split(3, 1):
            images = blend(images, factors)
        if self.hue:
            images = shift_hue(images, hue)
        for factors in after.split(3, 1):
            images = blend(images, factors)
        return images


@MODELS.register_module()
class BatchGrayscale(BatchTransform):
    """Replace all three channels by the brightness of a pixel, 0.2989 R + 0.587 G + 0.114 B."""

    colored = True

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Repeat the brightness in all channels."""
        return luma(images).repeat(1, 3, 1, 1)


@MODELS.register_module()
class BatchBrightness(BatchTransform):
    """Multiply an image by a factor, for any number of channels.

    Args:
        strength: the factor is drawn from [1 - strength, 1 + strength], 0 to 1.
        prob: share of the images that it is applied to.

    Raises:
        ValueError: for another strength.
    """

    draws = 1

    def __init__(self, strength: float, prob: float = 1.0) -> None:
        super().__init__(prob)
        if not 0 <= strength <= 1:
            raise ValueError(f'BatchBrightness: strength={strength} must be between 0 and 1')
        self.strength = strength

    def parameters(self, draws: Numbers, size: tuple[int, int]) -> Numbers:
        """Draw the factor, (m, 1)."""
        return 1 + self.strength * (2 * draws - 1)

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Multiply and clamp."""
        return images.mul_(values[..., None, None]).clamp_(max=255)


@MODELS.register_module()
class BatchSolarize(BatchTransform):
    """Invert the values from a threshold on.

    Args:
        thr: the threshold.
        prob: share of the images that it is applied to.
    """

    def __init__(self, thr: float = 128.0, prob: float = 1.0) -> None:
        super().__init__(prob)
        self.thr = thr

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Invert what is not below the threshold."""
        return torch.where(images < self.thr, images, 255 - images)


def luma(images: Tensor) -> Tensor:
    """Compute the brightness of pixels in RGB (m, 3, H, W), shape (m, 1, H, W)."""
    red, green, blue = images.split(1, 1)
    gray: Tensor = red * _LUMA[0]
    return gray.add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2])


def blend(images: Tensor, factors: Tensor) -> Tensor:
    """Mix images (m, 3, H, W) with their brightness, and with its mean over the image.

    Args:
        images: in RGB; changed in place.
        factors: of image, brightness and mean brightness, shape (m, 3).

    Returns:
        The weighted sums, clamped to 0 to 255.
    """
    share, of_gray, of_mean = factors[..., None, None].split(1, 1)
    gray = luma(images)
    added = torch.addcmul(gray.mean((2, 3), keepdim=True) * of_mean, gray, of_gray)
    return torch.addcmul(added, images, share, out=images).clamp_(0, 255)


def shift_hue(images: Tensor, sectors: Tensor) -> Tensor:
    """Rotate the hue of images in HSV.

    Args:
        images: in RGB, shape (m, 3, H, W).
        sectors: 5, 3 and 1, plus the shift in sixths of a turn, shape (m, 3).

    Returns:
        The images, shape (m, 3, H, W).
    """
    value, largest = images.max(1, keepdim=True)
    chroma = value - images.amin(1, keepdim=True)
    # Of red green - blue, of green blue - red, of blue red - green.
    other = (images.roll(-1, 1) - images.roll(1, 1)).gather(1, largest)
    # In sixths of a turn; where there is no chroma, any hue will do.
    hue = (other / chroma.clamp(min=1e-6)).add_(largest, alpha=2)
    sector = (hue + sectors[..., None, None]).remainder_(6)
    # min(sector, 4 - sector, 1), at least 0
    lowered = sector.sub_(2).abs_().neg_().add_(2).clamp_(0, 1)
    return torch.addcmul(value, chroma, lowered, value=-1)
