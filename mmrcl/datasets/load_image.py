"""The loading transform of configs, and a guard for other ones."""

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import mmcv
import numpy as np
from mmcv.transforms import LoadImageFromFile as MMCVLoadImageFromFile
from mmengine import fileio
from PIL import Image

from mmrcl.registry import TRANSFORMS

from .image_reading import (
    MAX_PIXELS,
    WHITE,
    UnreadableImageError,
    open_image,
    orientation,
    reading,
    to_rgb,
)

__all__ = ['JPEG_FORMATS', 'LoadImageFromFile', 'guard_loaders', 'guarded', 'pipelines']

# OpenCV decodes what it reads as Pillow does: common formats of 8 bits, opaque and upright.
OPENCV_FORMATS = ('BMP', 'JPEG', 'MPO', 'PNG', 'PPM', 'TIFF', 'WEBP')
OPENCV_MODES = ('1', 'L', 'P', 'RGB')
JPEG_FORMATS = ('JPEG', 'MPO')
END_OF_JPEG = b'\xff\xd9'


@TRANSFORMS.register_module()
class LoadImageFromFile(MMCVLoadImageFromFile):
    """mmcv's ``LoadImageFromFile`` that reads every image as :mod:`mmrcl.datasets` states.

    Files of 8 bits per channel, without transparency, have the same pixels as from mmcv. The other
    files are decoded by Pillow even if ``imdecode_backend='cv2'``, and so are JPEG files that may
    be truncated, of which some versions of OpenCV make up the rest. ``color_type='unchanged'`` and
    the further backends of mmcv return what mmcv returns.

    Args:
        background: RGB colour, 0 to 255, behind transparent pixels.
        max_pixels: largest number of pixels to decode.
        **kwargs: arguments of mmcv's transform, such as ``imdecode_backend`` and ``color_type``.

    Raises:
        ValueError: for a background that is no colour, or no pixels allowed.
    """

    def __init__(
        self, *args: Any, background: Sequence[int] = WHITE, max_pixels: int = MAX_PIXELS,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        if len(background) != 3 or not all(0 <= value <= 255 for value in background):
            raise ValueError(
                f'background={background} of LoadImageFromFile must be red, green and blue, each '
                'from 0 to 255'
            )
        if max_pixels < 1:
            raise ValueError(f'max_pixels={max_pixels} of LoadImageFromFile must be at least 1')
        self.background = tuple(background)
        self.max_pixels = max_pixels

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Load the image at ``img_path``: gray (H, W) or BGR (H, W, 3), uint8.

        Raises:
            UnreadableImageError: if it cannot be read and ``ignore_empty`` is not set.
        """
        file = results['img_path']
        try:
            with reading(file):
                pixels = self.decode(*self.open(file))
        except UnreadableImageError:
            if self.ignore_empty:
                return None
            raise
        if self.to_float32:
            pixels = pixels.astype(np.float32)
        shape = pixels.shape[:2]
        return dict(results, img=pixels, img_shape=shape, ori_shape=shape)

    def open(self, file: str) -> tuple[bytes, Image.Image]:
        """Read a file and the header in it.

        Raises:
            UnidentifiedImageError: if it has no format that Pillow knows.
            ValueError: if it has more than ``max_pixels`` pixels.
        """
        if self.file_client_args is not None:
            content = fileio.FileClient.infer_client(self.file_client_args, file).get(file)
        else:
            content = fileio.get(file, backend_args=self.backend_args)
        return content, open_image(content, self.max_pixels)

    def decode(self, content: bytes, image: Image.Image, reduction: int = 1) -> np.ndarray:
        """Decode what :meth:`open` returned: gray (H, W) or BGR (H, W, 3), uint8.

        Args:
            content: of the file.
            image: its header.
            reduction: 1, or 2, 4 or 8 to decode a JPEG file at this part of its height and width,
                rounded up.

        Raises:
            ValueError: if it cannot be decoded.
        """
        kind, _, ignore = str(self.color_type).partition('_ignore_')
        if self.imdecode_backend not in ('cv2', 'pillow') or kind not in ('color', 'grayscale'):
            pixels = mmcv.imfrombytes(content, self.color_type, backend=self.imdecode_backend)
        elif self.imdecode_backend == 'cv2' and _is_plain(content, image):
            # Upright as Pillow sees it, so OpenCV must not turn it for a reason of its own.
            flag = _opencv_flag(kind, reduction) | cv2.IMREAD_IGNORE_ORIENTATION
            pixels = mmcv.imfrombytes(content, flag, backend='cv2')
        else:
            image.draft(None, (image.width // reduction, image.height // reduction))
            rgb = to_rgb(image, self.background, orient=not ignore)
            return np.array(rgb)[:, :, ::-1] if kind == 'color' else np.array(rgb.convert('L'))
        if pixels is None:
            raise ValueError(f'{self.imdecode_backend} cannot decode it')
        return pixels

    def __repr__(self) -> str:
        """Return mmcv's text with the further arguments."""
        text = super().__repr__()[:-1]
        return f'{text}, background={self.background}, max_pixels={self.max_pixels})'


def guarded(step: Any) -> Any:
    """Return a step of a pipeline whose reading errors are ``UnreadableImageError``.

    Only a loader of mmcv, as a config of another scope has, or one derived from it is wrapped.
    """
    foreign = isinstance(step, MMCVLoadImageFromFile) and not isinstance(step, LoadImageFromFile)
    return _Guarded(step) if foreign else step


def guard_loaders(dataset: Any) -> None:
    """Guard the loaders in the pipeline of a data set or, of a wrapper, of those in it."""
    for pipeline in pipelines(dataset):
        pipeline.transforms = [guarded(step) for step in pipeline.transforms]


def pipelines(dataset: Any) -> Iterator[Any]:
    """Yield the pipeline of a data set or, of a wrapper, those of the data sets in it."""
    if hasattr(dataset, 'pipeline'):
        yield dataset.pipeline
    for part in getattr(dataset, 'datasets', [getattr(dataset, 'dataset', None)]):
        if part is not None:
            yield from pipelines(part)


class _Guarded:
    def __init__(self, step: MMCVLoadImageFromFile) -> None:
        self.step = step

    def __call__(self, results: dict[str, Any]) -> dict[str, Any] | None:
        with reading(results['img_path']):
            return self.step(results)

    def __repr__(self) -> str:
        return repr(self.step)


def _opencv_flag(kind: str, reduction: int) -> int:
    name = kind.upper() if reduction == 1 else f'REDUCED_{kind.upper()}_{reduction}'
    flag: int = getattr(cv2, f'IMREAD_{name}')
    return flag


def _is_plain(content: bytes, image: Image.Image) -> bool:
    return (
        image.format in OPENCV_FORMATS
        and image.mode in OPENCV_MODES
        and not image.has_transparency_data
        and orientation(image) == 1
        and not (image.format in JPEG_FORMATS and not content.endswith(END_OF_JPEG))
        # OpenCV ignores the largest value of a PGM, which Pillow's decoder 'ppm' scales to 255.
        and not (image.format == 'PPM' and _decoder(image) != 'raw')
    )


def _decoder(image: Any) -> str:
    """Name Pillow's decoder of an image that is open but not decoded."""
    return str(image.tile[0][0])
