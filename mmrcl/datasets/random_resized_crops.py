"""Random crops of an image decoded once, for views whose other transforms run on the device."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from PIL import Image
from torch.nn.functional import interpolate

from mmrcl.draws import numbers
from mmrcl.registry import TRANSFORMS

from .image_reading import MAX_PIXELS, WHITE, orientation, reading
from .load_image import JPEG_FORMATS, LoadImageFromFile
from .resumable_sampler import ViewKey

__all__ = ['CROP_VIEWS', 'CropView', 'RandomResizedCrops']

# The crop of view v takes the random numbers of view 256 + v; those of v are the device's.
CROP_VIEWS = 256
TRIES = 10
INTERPOLATIONS = ('bilinear', 'bicubic')
COLOR_TYPES = ('color', 'grayscale')


class Box(NamedTuple):
    """A part of an image, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def reduced(self, factor: int) -> 'Box':
        """Return the box in an image of ``1 / factor`` the size, its edges rounded.

        It is not empty if it was at least ``factor`` wide and high: halves are all rounded up.
        """
        edges = (self.top, self.left, self.top + self.height, self.left + self.width)
        top, left, bottom, right = [(edge + factor // 2) // factor for edge in edges]
        return Box(top, left, bottom - top, right - left)


@dataclass(frozen=True)
class CropView:
    """Settings of the crops of one view.

    Attributes:
        scale: height and width of the resized crop, in pixels.
        crop_ratio_range: area of the crop, as a part of the image's.
        aspect_ratio_range: width by height of the crop.
        interpolation: 'bilinear' or 'bicubic', both antialiased.

    Raises:
        ValueError: if they describe no crop.
    """

    scale: int
    crop_ratio_range: tuple[float, float] = (0.08, 1.0)
    aspect_ratio_range: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: str = 'bicubic'

    def __post_init__(self) -> None:
        if self.scale < 1:
            raise ValueError(f'scale={self.scale} of RandomResizedCrops must be at least 1')
        low, high = self.crop_ratio_range
        if not 0 < low <= high <= 1:
            raise ValueError(
                f'crop_ratio_range={(low, high)} of RandomResizedCrops must be a range in (0, 1]'
            )
        low, high = self.aspect_ratio_range
        if not 0 < low <= high:
            raise ValueError(
                f'aspect_ratio_range={(low, high)} of RandomResizedCrops must be a range above 0'
            )
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f'interpolation={self.interpolation!r} of RandomResizedCrops must be one of '
                f'{INTERPOLATIONS}'
            )

    def box(self, height: int, width: int, draws: Iterator[float]) -> Box:
        """Choose the box of a crop as torchvision's and mmpretrain's ``RandomResizedCrop`` do.

        Args:
            height: of the image.
            width: of the image.
            draws: numbers in [0, 1); each of at most ten tries takes four.
        """
        low, high = self.crop_ratio_range
        narrow, wide = map(math.log, self.aspect_ratio_range)
        for _ in range(TRIES):
            share, ratio, top, left = islice(draws, 4)
            area = height * width * (low + (high - low) * share)
            aspect = math.exp(narrow + (wide - narrow) * ratio)
            h, w = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
            if 0 < h <= height and 0 < w <= width:
                return Box(int(top * (height - h + 1)), int(left * (width - w + 1)), h, w)
        return self._central_box(height, width)

    def _central_box(self, height: int, width: int) -> Box:
        narrow, wide = self.aspect_ratio_range
        h = min(height, max(1, round(width / narrow)))
        w = min(width, max(1, round(height * wide)))
        return Box((height - h) // 2, (width - w) // 2, h, w)


@TRANSFORMS.register_module()
class RandomResizedCrops(BaseTransform):
    """Crop one image for every view, without other transforms.

    A crop depends only on seed, epoch, image and view. An image file is decoded once. Of a JPEG
    file that is large beside its crops, pixels are decoded at 1/2, 1/4 or 1/8 of its size, as long
    as no crop has to be enlarged for it. Boxes are distributed as those of torchvision's
    ``RandomResizedCrop``.

    The results' ``img`` is cropped if they have it, (H, W) or (H, W, C) uint8; otherwise the file
    at ``img_path``, read as by :class:`LoadImageFromFile`. Then ``img`` is a list of one tensor
    per view, uint8, shape (C, scale, scale).

    Args:
        views: arguments of :class:`CropView`, for each view.
        color_type: 'color' for BGR, 'grayscale' for one channel.
        background: as for :class:`LoadImageFromFile`.
        max_pixels: as for :class:`LoadImageFromFile`.
        backend_args: of mmengine's file backend.

    Raises:
        ValueError: for settings that describe no crop or image.
    """

    def __init__(
        self,
        views: Sequence[dict],
        color_type: str = 'color',
        background: Sequence[int] = WHITE,
        max_pixels: int = MAX_PIXELS,
        backend_args: dict | None = None,
    ) -> None:
        if not views:
            raise ValueError('RandomResizedCrops has no views: list the settings of each in views')
        if color_type not in COLOR_TYPES:
            raise ValueError(
                f'color_type={color_type!r} of RandomResizedCrops must be one of {COLOR_TYPES}'
            )
        self.views = [CropView(**view) for view in views]
        self.loader = LoadImageFromFile(
            color_type=color_type,
            background=background,
            max_pixels=max_pixels,
            backend_args=backend_args,
        )

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop the image for every view.

        Raises:
            UnreadableImageError: if its file cannot be read.
        """
        key = results['view_key']
        if 'img' in results:
            image = results['img']
            boxes = self._boxes(key, *image.shape[:2])
        else:
            with reading(results['img_path']):
                image, boxes = self._read(results['img_path'], key)
        crops = [resized(image, *each) for each in zip(boxes, self.views, strict=True)]
        return dict(results, img=crops)

    def _read(self, file: str, key: ViewKey) -> tuple[np.ndarray, list[Box]]:
        content, header = self.loader.open(file)
        if header.format not in JPEG_FORMATS:
            image = self.loader.decode(content, header)
            return image, self._boxes(key, *image.shape[:2])
        boxes = self._boxes(key, *upright_size(header))
        factor = reduction(boxes, self.views)
        image = self.loader.decode(content, header, factor)
        return image, [box.reduced(factor) for box in boxes]

    def _boxes(self, key: ViewKey, height: int, width: int) -> list[Box]:
        return [
            view.box(height, width, numbers(*key, CROP_VIEWS + number))
            for number, view in enumerate(self.views)
        ]

    def __repr__(self) -> str:
        return f'{type(self).__name__}(views={self.views}, loader={self.loader})'


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return height and width of an opened image as its EXIF orientation turns it."""
    turned = orientation(image) in (5, 6, 7, 8)
    return (image.width, image.height) if turned else (image.height, image.width)


def reduction(boxes: Sequence[Box], views: Sequence[CropView]) -> int:
    """Return the largest of 8, 4, 2 and 1 by which no crop becomes smaller than its scale."""
    spare = min(
        min(box.height, box.width) / view.scale for box, view in zip(boxes, views, strict=True)
    )
    return next(factor for factor in (8, 4, 2, 1) if factor <= max(spare, 1))


def resized(image: np.ndarray, box: Box, view: CropView) -> torch.Tensor:
    """Crop an image, (H, W) or (H, W, C) uint8, and resize the crop to (C, scale, scale)."""
    crop = image[box.top : box.top + box.height, box.left : box.left + box.width]
    pixels = torch.from_numpy(np.ascontiguousarray(crop).reshape(*crop.shape[:2], -1))
    size = (view.scale, view.scale)
    planes = pixels.permute(2, 0, 1)[None]
    return interpolate(planes, size, mode=view.interpolation, antialias=True)[0].contiguous()
