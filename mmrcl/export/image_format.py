"""How images are prepared for an encoder, read from the config that it was trained with."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from mmrcl.launch import dicts, plain_pipeline

__all__ = ['ImageFormat', 'image_format']

_RESIZING = ('ResizeEdge', 'Resize')
_CROPPING = ('CenterCrop',)
# OpenCV's name of an interpolation, and Pillow's.
_PILLOW = dict(area='box')


@dataclass(frozen=True)
class ImageFormat:
    """Size, values and channels of the images that an encoder takes.

    Attributes:
        size: channels, height and width in pixels.
        mean: mean of each channel, subtracted from values of 0 to 1.
        std: standard deviation of each channel, by which the difference is divided.
        bgr: whether the channels are blue, green and red instead of red, green and blue.
        interpolation: Pillow's name, such as ``'bicubic'``.
        crop_pct: side of the crop as a share of the resized image's.
        crop_mode: ``'center'`` if the short edge is resized and the centre cut out, ``'squash'`` if
            both edges are resized.
        pipeline: the transforms of the config, which say it in full.
    """

    size: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool
    interpolation: str
    crop_pct: float
    crop_mode: str
    pipeline: tuple[dict[str, Any], ...]

    @property
    def colors(self) -> str:
        """Order of the channels, or ``'gray'`` for a single one."""
        return 'gray' if self.size[0] == 1 else 'BGR' if self.bgr else 'RGB'


def image_format(config: Config) -> ImageFormat:
    """Return the test-time format of the images of a config.

    The size is that of the last resize or crop. Without one it is the largest size of the training
    views, and without views 224 pixels, with a warning.
    """
    pipeline = plain_pipeline(config)
    resize = _last(pipeline, _RESIZING)
    crop = _last(pipeline, _CROPPING)
    height, width = _test_size(resize, crop) or _training_size(config)
    channels = config.model.backbone.get('in_channels', 3)
    preprocessor = config.model.get('data_preprocessor') or config.get('data_preprocessor') or {}
    return ImageFormat(
        size=(channels, height, width),
        mean=_per_channel(preprocessor.get('mean') or [0.0], channels),
        std=_per_channel(preprocessor.get('std') or [1.0], channels),
        bgr=channels == 3 and _loads_bgr(pipeline) != _swaps_channels(preprocessor),
        interpolation=_interpolation(resize),
        crop_pct=min(1.0, height / _edge(resize)) if crop and resize else 1.0,
        crop_mode='squash' if _kind(resize) == 'Resize' and not crop else 'center',
        pipeline=tuple(dict(step) for step in pipeline),
    )


def _kind(step: dict[str, Any]) -> str:
    return str(step.get('type', '')).rpartition('.')[2]


def _last(pipeline: list[dict[str, Any]], kinds: tuple[str, ...]) -> dict[str, Any]:
    return next((step for step in reversed(pipeline) if _kind(step) in kinds), {})


def _sides(value: Any) -> tuple[int, int]:
    """Return height and width of a size in pixels or of a pair (width, height)."""
    width, height = (value, value) if isinstance(value, int) else value
    return height, width


def _edge(resize: dict[str, Any]) -> int:
    return min(_sides(resize['scale']))


def _test_size(resize: dict[str, Any], crop: dict[str, Any]) -> tuple[int, int] | None:
    if crop:
        return _sides(crop['crop_size'])
    return _sides(resize['scale']) if resize else None


def _training_size(config: Config) -> tuple[int, int]:
    loader = config.get('train_dataloader') or {}
    parts = [
        config.model.get('data_preprocessor'),
        config.get('data_preprocessor'),
        (loader.get('dataset') or {}).get('pipeline'),
    ]
    if sizes := list(_sizes(parts)):
        return max(sizes)
    warnings.warn(
        'the config states no image size, so 224 x 224 pixels are assumed: set Resize in '
        'test_dataloader.dataset.pipeline',
        stacklevel=3,
    )
    return 224, 224


def _sizes(parts: list[Any]) -> Iterator[tuple[int, int]]:
    for step in dicts(parts):
        scale = step.get('scale')
        pair = scale if isinstance(scale, (list, tuple)) else [scale, scale]
        if len(pair) == 2 and all(isinstance(side, int) for side in pair):
            yield _sides(pair)


def _per_channel(values: list[float], channels: int) -> tuple[float, ...]:
    """Scale one value or one per channel from pixels of 0 to 255 to values of 0 to 1."""
    repeated = list(values) * (channels if len(values) == 1 else 1)
    return tuple(round(value / 255, 12) for value in repeated)


def _loads_bgr(pipeline: list[dict[str, Any]]) -> bool:
    # mmcv decodes to BGR. Data sets that hold their images in memory have RGB.
    return any(_kind(step) == 'LoadImageFromFile' for step in pipeline)


def _swaps_channels(preprocessor: dict[str, Any]) -> bool:
    return any(preprocessor.get(key) for key in ('to_rgb', 'bgr_to_rgb', 'rgb_to_bgr'))


def _interpolation(resize: dict[str, Any]) -> str:
    name = resize.get('interpolation', 'bilinear')
    return _PILLOW.get(name, name)
