"""One way to read images: 8 bits, upright, opaque, and one error for all that fails."""

import pickle
import warnings
from collections import OrderedDict

import cv2
import mmcv.transforms
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from PIL import Image, ImageOps
from torch import nn

import mmrcl
from mmrcl.apis.encoders import _LoadAsDataset
from mmrcl.apis.hierarchies import _thumbnail
from mmrcl.datasets import (
    ImageFolder,
    LoadImageFromFile,
    SampleKey,
    SeededDataset,
    UnreadableImageError,
    guarded,
    read_image,
)
from mmrcl.visualization import SIDE, thumbnail

from .image_files import encoded, png_of_size

BACKENDS = ('pillow', 'cv2')
GRAY = np.tile(np.arange(0, 256, 4, np.uint8), (48, 1))
COLOR = np.stack([GRAY, GRAY[:, ::-1], np.roll(GRAY, 9, 1)], 2)
WIDE = GRAY.astype(np.uint16) * 257


def load(file, backend: str = 'pillow', color_type: str = 'color', **options) -> np.ndarray:
    step = LoadImageFromFile(imdecode_backend=backend, color_type=color_type, **options)
    return step(dict(img_path=str(file)))['img']


@pytest.fixture
def write(tmp_path):
    def write(content: bytes):
        path = tmp_path / 'image'
        path.write_bytes(content)
        return path

    return write


NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
ORDINARY = {
    'noisy JPEG': encoded(NOISE, 'JPEG'),
    'noisy PNG': encoded(NOISE, 'PNG'),
    'noisy BMP': encoded(NOISE, 'BMP'),
    'noisy PPM': encoded(NOISE, 'PPM'),
    'noisy TIFF': encoded(NOISE, 'TIFF'),
    'noisy WebP': encoded(NOISE, 'WEBP'),
    'gray PNG': encoded(GRAY, 'PNG'),
    'colour PNG': encoded(COLOR, 'PNG'),
    'palette PNG': encoded(Image.fromarray(COLOR).quantize(16), 'PNG'),
    '1-bit PNG': encoded(Image.fromarray(GRAY).convert('1'), 'PNG'),
    'gray JPEG': encoded(GRAY, 'JPEG'),
    'colour JPEG': encoded(COLOR, 'JPEG', quality=70),
    'progressive JPEG': encoded(COLOR, 'JPEG', progressive=True),
    'BMP': encoded(COLOR, 'BMP'),
    'gray BMP': encoded(GRAY, 'BMP'),
    'PPM': encoded(COLOR, 'PPM'),
    'PGM': encoded(GRAY, 'PPM'),
    'TIFF': encoded(COLOR, 'TIFF'),
    'LZW TIFF': encoded(GRAY, 'TIFF', compression='tiff_lzw'),
    'lossy WebP': encoded(COLOR, 'WEBP'),
    'lossless WebP': encoded(COLOR, 'WEBP', lossless=True),
    'GIF': encoded(Image.fromarray(COLOR).quantize(16), 'GIF'),
}


@pytest.mark.parametrize(
    'color_type', ['color', 'grayscale', 'unchanged', 'color_ignore_orientation']
)
@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', ORDINARY)
def test_ordinary_files_have_the_pixels_that_mmcv_reads(write, name, backend, color_type):
    file = write(ORDINARY[name])
    mmcvs = mmcv.transforms.LoadImageFromFile(
        imdecode_backend=backend, color_type=color_type, to_float32=True
    )
    expected = mmcvs(dict(img_path=str(file)))
    own = LoadImageFromFile(imdecode_backend=backend, color_type=color_type, to_float32=True)
    found = own(dict(img_path=str(file)))
    assert found.keys() == expected.keys()
    assert found['img'].dtype == np.float32
    np.testing.assert_array_equal(found['img'], expected['img'])
    assert found['img_shape'] == found['ori_shape'] == expected['img_shape']


def pgm(maximum: int) -> bytes:
    levels = np.rint(GRAY / 255 * maximum).astype('>u2' if maximum > 255 else np.uint8)
    return f'P5 64 48 {maximum}\n'.encode() + levels.tobytes()


def float_pgm() -> bytes:
    return b'Pf\n64 48\n-1.0\n' + (GRAY[::-1] / 255).astype('<f4').tobytes()


# What GRAY becomes is GRAY, at most one step beside it.
DEEP = {
    '16-bit PNG': encoded(WIDE, 'PNG'),
    '16-bit TIFF': encoded(WIDE, 'TIFF'),
    '16-bit TIFF, big endian': encoded(Image.fromarray(WIDE.astype('>u2')), 'TIFF'),
    '16-bit colour PNG': cv2.imencode('.png', np.stack([WIDE] * 3, 2))[1].tobytes(),
    '16-bit colour TIFF': cv2.imencode('.tiff', np.stack([WIDE] * 3, 2))[1].tobytes(),
    '16-bit PGM': pgm(65535),
    '10-bit PGM': pgm(1023),
    '7-bit PGM': pgm(127),
    'float TIFF': encoded((GRAY / 255).astype(np.float32), 'TIFF'),
    'float PFM': float_pgm(),
}


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', DEEP)
def test_deep_images_keep_their_range(write, name, backend):
    file = write(DEEP[name])
    for color_type in ('color', 'grayscale'):
        found = load(file, backend, color_type)
        assert found.dtype == np.uint8
        gray = found if found.ndim == 2 else found[..., 0]
        assert abs(gray.astype(int) - GRAY).max() <= 1


@pytest.mark.parametrize(
    ('pixels', 'reason'),
    [
        (GRAY.astype(np.float32), r'lie in \[0, 252\]: scale them to \[0, 1\]'),
        (np.full((4, 4), np.nan, np.float32), r'lie in \[nan, nan\]'),
        (GRAY.astype(np.int32), 'no known range'),
    ],
)
@pytest.mark.parametrize('backend', BACKENDS)
def test_a_range_that_nobody_knows_is_refused(write, pixels, reason, backend):
    file = write(encoded(pixels, 'TIFF'))
    with pytest.raises(UnreadableImageError, match=reason):
        load(file, backend)
    with pytest.raises(UnreadableImageError, match=reason):
        read_image(str(file))


HIDDEN = np.array([200, 30, 60, 0], np.uint8)  # a colour that nobody sees


def transparent() -> dict[str, bytes]:
    """Images of 2 x 2: black above, transparent below."""
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, :, 3] = 255
    rgba[1] = HIDDEN
    picture = Image.fromarray(rgba)
    palette = Image.fromarray(np.array([[0, 0], [1, 1]], np.uint8), mode='P')
    palette.putpalette([0, 0, 0, *HIDDEN[:3].tolist()])
    opaque = Image.fromarray(rgba[..., :3])
    gray = np.array([[0, 0], [200, 200]], np.uint8)
    return {
        'RGBA PNG': encoded(picture, 'PNG'),
        'LA PNG': encoded(picture.convert('LA'), 'PNG'),
        'palette PNG': encoded(palette, 'PNG', transparency=1),
        'GIF': encoded(palette, 'GIF', transparency=1),
        'RGB PNG with a colour': encoded(opaque, 'PNG', transparency=tuple(HIDDEN[:3].tolist())),
        'gray PNG with a level': encoded(gray, 'PNG', transparency=200),
        '16-bit PNG with a level': encoded(
            gray.astype(np.uint16) * 257, 'PNG', transparency=200 * 257
        ),
        'WebP': encoded(picture, 'WEBP', lossless=True, exact=True),
        'TIFF': encoded(picture, 'TIFF'),
    }


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', transparent())
def test_what_is_transparent_shows_the_background(write, name, backend):
    file = write(transparent()[name])
    white = load(file, backend)
    assert white[0].max() == 0
    assert white[1].min() == 255
    assert load(file, backend, 'grayscale')[1].min() == 255
    blue = load(file, backend, background=(0, 0, 255))
    assert blue[1, 0].tolist() == [255, 0, 0]  # BGR
    assert np.asarray(read_image(str(file), (0, 0, 255)))[1, 0].tolist() == [0, 0, 255]


def half_transparent_red() -> Image.Image:
    return Image.new('RGBA', (2, 2), (255, 0, 0, 128))


def test_half_transparent_pixels_are_mixed(write):
    [red, green, blue] = read_image(str(write(encoded(half_transparent_red(), 'PNG')))).getpixel(
        (0, 0)
    )
    assert (red, blue) == (255, green)
    assert abs(green - 127) <= 1


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
def test_every_way_in_turns_a_photo_alike(write, form, orientation):
    corners = np.zeros((40, 80, 3), np.uint8)
    corners[:20, :40] = 250  # white at top left of what the camera saw
    corners[20:, :40] = 120
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = write(encoded(corners, form, exif=exif))
    with Image.open(file) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    assert expected.shape[:2] == ((40, 80) if orientation < 5 else (80, 40))
    for backend in BACKENDS:
        found = load(file, backend)[..., ::-1]
        assert found.shape == expected.shape
        assert abs(found.astype(int) - expected).max() <= 2
    np.testing.assert_array_equal(read_image(str(file)), expected)
    np.testing.assert_array_equal(_LoadAsDataset('RGB')(dict(img_path=str(file)))['img'], expected)


def test_the_orientation_can_be_ignored(write):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = write(encoded(COLOR, 'JPEG', exif=exif))
    for backend in BACKENDS:
        assert load(file, backend, 'color_ignore_orientation').shape == (48, 64, 3)
        assert load(file, backend, 'grayscale_ignore_orientation').shape == (48, 64)
        assert load(file, backend).shape == (64, 48, 3)


@pytest.mark.parametrize('name', [*DEEP, *transparent()])
def test_the_page_shows_what_the_network_sees(write, name):
    file = write((DEEP | transparent())[name])
    options = dict(background=(9, 99, 199), max_pixels=10_000)
    encoder = mmrcl.wrap_encoder(nn.Identity(), np.asarray, **options)
    seen = encoder.read(str(file))
    np.testing.assert_array_equal(_thumbnail(str(file), **options), thumbnail(seen, SIDE))


# --- what cannot be read


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('size', [(30_000, 30_000), (14_000, 14_000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_not_decoded(write, backend, size):
    file = write(png_of_size(*size))
    with pytest.raises(
        UnreadableImageError, match=rf'{size[0]} pixels are more than max_pixels=178'
    ):
        load(file, backend)
    with pytest.raises(UnreadableImageError, match='more than max_pixels=178956970'):
        read_image(str(file))


@pytest.mark.parametrize('backend', BACKENDS)
def test_the_limit_of_pixels_is_a_setting_and_no_other_holds(write, backend, monkeypatch):
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 100)
    file = write(ORDINARY['colour PNG'])
    with pytest.raises(UnreadableImageError, match='64 x 48 pixels are more than max_pixels=3071'):
        load(file, backend, max_pixels=3071)
    assert load(file, backend, max_pixels=3072).shape == (48, 64, 3)
    assert read_image(str(file), max_pixels=3072).size == (64, 48)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r'background=\(1, 2\) of LoadImageFromFile must be'):
        LoadImageFromFile(background=(1, 2))
    with pytest.raises(ValueError, match='background'):
        LoadImageFromFile(background=(0, 0, 256))
    with pytest.raises(ValueError, match='max_pixels=0 of LoadImageFromFile must be at least 1'):
        LoadImageFromFile(max_pixels=0)
    assert 'background=(1, 2, 3), max_pixels=9' in repr(
        LoadImageFromFile(background=[1, 2, 3], max_pixels=9)
    )


WRONG = {
    'empty': (b'', 'UnidentifiedImageError: not an image'),
    'text': (b'no image', 'UnidentifiedImageError: not an image'),
    'PPM without a size': (b'P6 x y 255 ', 'ValueError'),
    'PPM with a size too long': (b'P6 ' + b'9' * 99 + b' 1 255 ', 'ValueError'),
    'PNG cut in its header': (ORDINARY['colour PNG'][:30], 'Error'),
    'EXIF of a wrong type': (
        encoded(
            COLOR, 'JPEG', exif=b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\xff\0\0\0\xff\xff\0\0'
        ),
        '',
    ),
}


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('name', WRONG)
def test_every_failure_is_one_error_that_names_the_file(write, name, backend):
    content, reason = WRONG[name]
    file = write(content)
    try:
        load(file, backend)
    except UnreadableImageError as error:
        assert str(error).startswith(f'{file} (')
        assert reason in str(error)
        assert '\n' not in str(error)
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
    else:
        assert not reason
    assert LoadImageFromFile(ignore_empty=True)(dict(img_path=str(file))) is None or not reason


def test_links_in_a_circle_and_missing_files(tmp_path):
    (tmp_path / 'a.png').symlink_to(tmp_path / 'b.png')
    (tmp_path / 'b.png').symlink_to(tmp_path / 'a.png')
    for name in ('a.png', 'nothing.png', ''):
        with pytest.raises(UnreadableImageError, match='OSError|FileNotFound|IsADirectory'):
            load(tmp_path / name)
    with pytest.raises(ValueError, match=r'cannot be listed: .*symbolic links: .*[ab]\.png'):
        ImageFolder(str(tmp_path))


def test_reading_repeats_no_warning_of_others(write):
    """A transform that warns at every image would otherwise fill the log of a training."""
    file = write(encoded(COLOR, 'JPEG'))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('default')
        for _ in range(3):
            load(file)
            read_image(str(file))
            warnings.warn('of a transform', stacklevel=1)
    assert [str(warning.message) for warning in caught] == ['of a transform']


# --- data sets


def test_a_data_set_without_a_scope_reads_this_way(write, monkeypatch):
    # An earlier test may have left the scope of its run.
    monkeypatch.setattr(DefaultScope, '_instance_dict', OrderedDict())
    step = dict(type='LoadImageFromFile')
    file = write(DEEP['float TIFF'])
    file = file.rename(file.with_suffix('.tif'))
    assert DefaultScope.get_current_instance() is None
    for folder in (
        ImageFolder(str(file.parent), pipeline=[step]),
        SeededDataset(dict(type='ImageFolder', data_root=str(file.parent), pipeline=[step])),
    ):
        key = 0 if isinstance(folder, ImageFolder) else SampleKey(0, 0, 0)
        assert abs(folder[key]['img'][..., 0].astype(int) - GRAY).max() <= 1


def test_a_loader_of_another_scope_fails_alike(write):
    step = guarded(mmcv.transforms.LoadImageFromFile())
    file = write(ORDINARY['BMP'])
    np.testing.assert_array_equal(step(dict(img_path=str(file)))['img'], load(file))
    with pytest.raises(UnreadableImageError, match=f'{file} '):
        step(dict(img_path=str(write(b'no image'))))
    own = LoadImageFromFile()
    assert guarded(own) is own


@pytest.mark.parametrize('scope', ['mmrcl', 'mmpretrain'])
@pytest.mark.parametrize('wrapper', [None, 'RepeatDataset', 'ConcatDataset'])
def test_a_mistake_in_a_transform_is_not_an_unreadable_image(tmp_path, scope, wrapper):
    class Mistake:
        def __call__(self, results):
            raise ValueError('a mistake')

    for name in ('a.png', 'b.png'):
        (tmp_path / name).write_bytes(ORDINARY['BMP'])
    steps = [dict(type='LoadImageFromFile'), lambda results: dict(results, data_samples=_Notes())]
    described = dict(type='mmrcl.ImageFolder', data_root=str(tmp_path), pipeline=steps)
    if wrapper == 'RepeatDataset':
        described = dict(type='mmengine.RepeatDataset', dataset=described, times=2)
    if wrapper == 'ConcatDataset':
        described = dict(type='mmengine.ConcatDataset', datasets=[described])
    with DefaultScope.overwrite_default_scope(scope):
        data = SeededDataset(described)
    (tmp_path / 'a.png').write_bytes(b'no image')
    [(image, file, reason)] = data[SampleKey(0, 0, 0)]['data_samples']['unreadable']
    assert (image, file) == (0, str(tmp_path / 'a.png'))
    steps[1] = Mistake()
    with DefaultScope.overwrite_default_scope(scope):
        data = SeededDataset(described)
    with pytest.raises(ValueError, match='a mistake'):
        data[SampleKey(0, 0, 1)]


class _Notes(dict):
    def set_field(self, value: object, name: str, field_type: str) -> None:
        self[name] = value
