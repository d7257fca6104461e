"""Batched transforms of shape, with angle, shear and crop for each image."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor
from torch.nn.functional import grid_sample

from mmrcl.registry import MODELS

from .base import BatchTransform, Numbers

_ATTEMPTS = 10


@MODELS.register_module()
class BatchFlip(BatchTransform):
    """Mirror left and right."""

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Reverse the columns."""
        return images.flip(3)


@MODELS.register_module()
class BatchPatch(BatchTransform):
    """Cut out the same square of each image.

    Args:
        top: first row.
        left: first column.
        scale: height and width of the square in pixels.

    Raises:
        ValueError: if it begins outside of the image or is empty.
    """

    def __init__(self, top: int, left: int, scale: int) -> None:
        super().__init__()
        if min(top, left) < 0 or scale < 1:
            raise ValueError(
                f'BatchPatch: top={top} and left={left} must be at least 0, scale={scale} at least '
                '1'
            )
        self.top, self.left, self.scale = top, left, scale

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the square.

        Raises:
            ValueError: if it does not lie within the image.
        """
        height, width = size
        bottom, right = self.top + self.scale, self.left + self.scale
        if bottom > height or right > width:
            raise ValueError(
                f'BatchPatch reaches to row {bottom} and column {right}, but images have {height} '
                f'x {width} pixels: enlarge them in train_dataloader.dataset.pipeline, or choose '
                'smaller patches'
            )
        return self.scale, self.scale

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Cut out the rows and columns."""
        rows = slice(self.top, self.top + self.scale)
        return images[:, :, rows, self.left : self.left + self.scale]


@MODELS.register_module()
class BatchAffineCrop(BatchTransform):
    """Rotate, shear and crop, by one bilinear resampling.

    Boxes are those of torchvision's and mmpretrain's ``RandomResizedCrop``. Angle and shear are
    those of mmpretrain's ``Rotate``, about the centre, and ``Shear``, along the rows and about the
    first pixel. What turns in from beyond the border is black. A crop is not smoothed before it is
    made smaller.

    Args:
        scale: height and width of the result in pixels.
        crop_ratio_range: smallest and largest share of the area.
        aspect_ratio_range: smallest and largest width over height.
        rotate: largest angle in degrees, to both sides.
        shear: largest shear in pixels per row, to both sides.

    Raises:
        ValueError: if a range is not one, or ``scale`` is below 1.
    """

    draws = 2 * _ATTEMPTS + 4

    def __init__(
        self,
        scale: int,
        crop_ratio_range: Sequence[float] = (0.08, 1.0),
        aspect_ratio_range: Sequence[float] = (3 / 4, 4 / 3),
        rotate: float = 0.0,
        shear: float = 0.0,
    ) -> None:
        super().__init__()
        if scale < 1:
            raise ValueError(f'BatchAffineCrop: scale={scale} must be at least 1')
        for name, (low, high) in dict(
            crop_ratio_range=crop_ratio_range, aspect_ratio_range=aspect_ratio_range
        ).items():
            if not 0 < low <= high:
                raise ValueError(
                    f'BatchAffineCrop: {name}={(low, high)} must be two positive numbers, the '
                    'smaller one first'
                )
        self.scale = scale
        self.crop_ratio_range, self.aspect_ratio_range = crop_ratio_range, aspect_ratio_range
        self.rotate, self.shear = rotate, shear

    def parameters(self, draws: Numbers, size: tuple[int, int]) -> Numbers:
        """Compute where the pixels of a result come from: x and y by column and by row.

        Returns:
            Terms of the columns, then of the rows, which are added, shape (m, 4 scale).
        """
        boxes = crop_boxes(draws[:, 2:], size, self.crop_ratio_range, self.aspect_ratio_range)
        angles, shears = np.deg2rad(self.rotate), self.shear
        angles, shears = (2 * draws[:, :2].T - 1) * [[angles], [shears]]
        return source_grid(boxes, angles, shears, self.scale, size).reshape(len(draws), -1)

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the crop."""
        return self.scale, self.scale

    def transform(self, images: Tensor, values: Tensor) -> Tensor:
        """Sample between pixels."""
        columns, rows = values.view(len(images), 2, self.scale, 2).unbind(1)
        grid = columns[:, None] + rows[:, :, None]
        return grid_sample(images, grid, align_corners=False)


def crop_boxes(
    draws: Numbers,
    size: tuple[int, int],
    crop_ratio_range: Sequence[float],
    aspect_ratio_range: Sequence[float],
) -> Numbers:
    """Draw the boxes of random resized crops (Szegedy et al., CVPR 2015).

    The first of ten drawn shapes that fits into the image is taken, or else the largest in its
    middle whose aspect ratio is allowed.

    Args:
        draws: numbers in [0, 1), shape (m, 22).
        size: height and width of the images.
        crop_ratio_range: smallest and largest share of the area.
        aspect_ratio_range: smallest and largest width over height.

    Returns:
        Left, top, width and height in pixels, shape (m, 4).
    """
    height, width = size
    shares, ratios = draws[:, :_ATTEMPTS], draws[:, _ATTEMPTS : 2 * _ATTEMPTS]
    (low, high), bounds = crop_ratio_range, np.log(aspect_ratio_range)
    area = (low + shares * (high - low)) * height * width
    aspect = np.exp(bounds[0] + ratios * (bounds[1] - bounds[0]))
    shapes = np.rint(np.sqrt([area * aspect, area / aspect]))
    fits = ((shapes > 0) & (shapes <= np.array([width, height])[:, None, None])).all(0)
    first = fits.argmax(1)
    drawn = np.take_along_axis(shapes, first[None, :, None], 2)[..., 0].T
    room = np.array([width, height]) - drawn
    corner = np.floor(draws[:, 2 * _ATTEMPTS :] * (room + 1))
    boxes: Numbers = np.concatenate([corner, drawn], 1)
    boxes[~fits.any(1)] = _middle(size, aspect_ratio_range)
    return boxes


def _middle(size: tuple[int, int], aspect_ratio_range: Sequence[float]) -> list[int]:
    height, width = size
    low, high = aspect_ratio_range
    shape = min(width, round(height * high)), min(height, round(width / low))
    return [(width - shape[0]) // 2, (height - shape[1]) // 2, *shape]


def source_grid(
    boxes: Numbers, angles: Numbers, shears: Numbers, scale: int, size: tuple[int, int]
) -> Numbers:
    """Compute the position in the image of each pixel of a crop of the rotated, sheared image.

    Args:
        boxes: left, top, width and height in pixels, shape (m, 4).
        angles: clockwise, in radians, shape (m,).
        shears: pixels per row, shape (m,).
        scale: height and width of the crop.
        size: height and width of the image.

    Returns:
        Terms of columns and rows, whose sums are ``grid_sample``'s x and y, shape (m, 2, scale, 2).
    """
    corner, shape = boxes[:, None, :2], boxes[:, None, 2:]
    steps = (np.arange(scale)[:, None] + 0.5) / scale
    # The border pixels of the box go on beyond it, as in a crop that is cut out first.
    across, down = (corner + np.clip(steps * shape - 0.5, 0, shape - 1)).transpose(2, 0, 1)
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    center = (np.array(size[::-1]) - 1) / 2
    # Undo the shear, x - shear * y, then the rotation about the centre.
    x, y = across - center[0], down - center[1]
    slant = -shears[:, None] * down
    columns = np.stack([cos * x, -sin * x], -1)
    rows = np.stack([cos * slant + sin * y, -sin * slant + cos * y], -1) + center
    extent = np.array(size[::-1])
    return np.stack([columns * 2 / extent, (rows * 2 + 1) / extent - 1], 1)
