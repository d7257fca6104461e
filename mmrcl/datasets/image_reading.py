"""Image files to 8-bit RGB, by the rules of :mod:`mmrcl.datasets`."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import IO, NamedTuple

import numpy as np
from mmengine import fileio
from PIL import Image, ImageOps, UnidentifiedImageError

__all__ = [
    'MAX_PIXELS',
    'WHITE',
    'ImageHeader',
    'UnreadableImageError',
    'open_image',
    'orientation',
    'read_header',
    'read_image',
    'reading',
]

WHITE = (255, 255, 255)
MAX_PIXELS = 178_956_970  # the number above which Pillow refuses an image
ORIENTATION = 0x0112  # EXIF tag


class UnreadableImageError(OSError):
    """An image file cannot be read; the message names the file and the reason."""


@contextmanager
def reading(file: str) -> Iterator[None]:
    """Turn every error inside the context into one that names the file.

    Raises:
        UnreadableImageError: for any exception.
    """
    try:
        yield
    except Exception as error:
        reason = ' '.join(str(error).split())
        raise UnreadableImageError(f'{file} ({type(error).__name__}: {reason})') from error


def read_image(
    file: str, background: Sequence[int] = WHITE, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Read an image file as 8-bit RGB, by the rules of :mod:`mmrcl.datasets`.

    Args:
        file: path or URL, as of mmengine's file backends.
        background: RGB colour, 0 to 255, behind transparent pixels.
        max_pixels: largest number of pixels to decode.

    Raises:
        UnreadableImageError: if it cannot be read.
    """
    with reading(file):
        return to_rgb(open_image(fileio.get(file), max_pixels), background)


def open_image(content: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open an encoded image by its header, without decoding it.

    Raises:
        UnidentifiedImageError: if it has no format that Pillow knows.
        ValueError: if it has more than ``max_pixels`` pixels.
    """
    return _opened(BytesIO(content), max_pixels)


class ImageHeader(NamedTuple):
    """What the header of an image file says.

    Attributes:
        width: in pixels, as stored.
        height: in pixels, as stored.
        gray: whether the pixels have no colours.
        transparent: whether they have transparency.
    """

    width: int
    height: int
    gray: bool
    transparent: bool


def read_header(file: str, max_pixels: int = MAX_PIXELS) -> ImageHeader:
    """Read the header of a local image file, without decoding it.

    Args:
        file: path.
        max_pixels: largest number of pixels of a readable image.

    Raises:
        UnreadableImageError: if it cannot be read.
    """
    with reading(file), open(file, 'rb') as source, warnings.catch_warnings():
        warnings.simplefilter('ignore')  # Training reports what it meets.
        image = _opened(source, max_pixels)
        gray = image.getbands()[0] in ('1', 'L', 'I', 'F')
        width, height = image.size
        return ImageHeader(width, height, gray, image.has_transparency_data)


def _opened(source: IO[bytes], max_pixels: int) -> Image.Image:
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None  # Pillow's limit names no setting that raises it.
    try:
        image = Image.open(source)
    except UnidentifiedImageError:
        raise UnidentifiedImageError('not an image, or of an unknown format') from None
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    width, height = image.size
    if width * height > max_pixels:
        raise ValueError(f'{width} x {height} pixels are more than max_pixels={max_pixels}')
    return image


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 for an upright image, 5 to 8 for one to be transposed."""
    return image.getexif().get(ORIENTATION, 1)


def to_rgb(
    image: Image.Image, background: Sequence[int] = WHITE, orient: bool = True
) -> Image.Image:
    """Decode an opened image to 8-bit RGB.

    Args:
        image: from :func:`open_image`.
        background: as for :func:`read_image`.
        orient: whether to apply the EXIF orientation.

    Raises:
        ValueError: if the range of the pixels is unknown.
    """
    image.load()
    if orient:
        ImageOps.exif_transpose(image, in_place=True)
    image = _eight_bits(image)
    if not image.has_transparency_data:
        return image.convert('RGB')
    layer = image.convert('RGBA')
    canvas = Image.new('RGBA', layer.size, (*background, 255))
    return Image.alpha_composite(canvas, layer).convert('RGB')


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith('I;16') or (image.mode == 'I' and image.format == 'PPM'):
        return _upper_bits(image)
    if image.mode == 'I':
        raise ValueError('32-bit integers have no known range: save it with 8 or 16 bits')
    if image.mode == 'F':
        return _from_float(np.asarray(image))
    return image


def _upper_bits(image: Image.Image) -> Image.Image:
    wide = np.asarray(image)
    gray = Image.fromarray((wide >> 8).astype(np.uint8))
    transparent = image.info.get('transparency')
    if transparent is not None:
        gray.putalpha(Image.fromarray(np.where(wide == transparent, 0, 255).astype(np.uint8)))
    return gray


def _from_float(values: np.ndarray) -> Image.Image:
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):
        raise ValueError(f'float pixels lie in [{low:g}, {high:g}]: scale them to [0, 1]')
    return Image.fromarray(np.rint(255 * values).astype(np.uint8))
