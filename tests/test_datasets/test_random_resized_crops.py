"""Crops made in workers: torchvision's boxes, Pillow's pixels, and one decoding of a file."""

import io

import numpy as np
import pytest
import torch
from mmpretrain.datasets.transforms import RandomResizedCrop as MMPretrainsCrop
from PIL import Image
from torchvision.transforms import RandomResizedCrop as TorchvisionsCrop

from mmrcl.datasets import RandomResizedCrops, UnreadableImageError
from mmrcl.datasets.random_resized_crops import Box, CropView, reduction, upright_size

from .image_files import encoded

BOTH = [dict(scale=8), dict(scale=5, crop_ratio_range=(0.3, 0.6), interpolation='bilinear')]


def smooth(height: int, width: int) -> np.ndarray:
    """A picture without fine detail, in RGB."""
    small = np.random.default_rng(0).integers(0, 256, (height // 96, width // 96, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def write(tmp_path):
    def write(content: bytes) -> str:
        path = tmp_path / 'image'
        path.write_bytes(content)
        return str(path)

    return write


def crops_of(file: str, views: list[dict], key=(0, 1, 2), **options) -> list[torch.Tensor]:
    return RandomResizedCrops(views, **options)(dict(img_path=file, view_key=key))['img']


def rgb(crop: torch.Tensor) -> np.ndarray:
    return crop.flip(0).permute(1, 2, 0).numpy().astype(int)


# --- boxes


def own_boxes(size: tuple[int, int], view: CropView, count: int) -> np.ndarray:
    transform = RandomResizedCrops([dict(scale=view.scale)])
    transform.views = [view]
    return np.array([transform._boxes((3, 0, image), *size)[0] for image in range(count)])


def torchvisions_boxes(size: tuple[int, int], view: CropView, count: int) -> np.ndarray:
    torch.manual_seed(0)
    image = torch.empty(1, *size)
    ranges = list(view.crop_ratio_range), list(view.aspect_ratio_range)
    return np.array([TorchvisionsCrop.get_params(image, *ranges) for _ in range(count)])


def mmpretrains_boxes(size: tuple[int, int], view: CropView, count: int) -> np.ndarray:
    np.random.seed(0)
    transform = MMPretrainsCrop(
        view.scale,
        crop_ratio_range=view.crop_ratio_range,
        aspect_ratio_range=view.aspect_ratio_range,
    )
    image = np.empty((*size, 1), np.uint8)
    return np.array([transform.rand_crop_params(image) for _ in range(count)])


@pytest.mark.parametrize('other', [torchvisions_boxes, mmpretrains_boxes])
@pytest.mark.parametrize('size', [(375, 500), (500, 333), (60, 500)])
def test_boxes_are_distributed_as_elsewhere(size, other):
    """A third of those of the long image are the central one, after ten tries."""
    view, count = CropView(224), 2000
    ours, theirs = own_boxes(size, view, count), other(size, view, count)
    for side in range(4):
        first, second = np.sort(ours[:, side]), np.sort(theirs[:, side])
        # Kolmogorov and Smirnov's distance, below its 0.1 % quantile.
        both = np.concatenate([first, second])
        shares = [np.searchsorted(each, both, 'right') / count for each in (first, second)]
        assert np.abs(shares[0] - shares[1]).max() < 1.95 * np.sqrt(2 / count)
    central = np.array(view._central_box(*size))
    shares = [(boxes == central).all(1).mean() for boxes in (ours, theirs)]
    assert abs(shares[0] - shares[1]) < 0.05
    assert (shares[0] > 0.1) == (size == (60, 500))


@pytest.mark.parametrize('size', [(100, 10), (10, 100), (30, 30), (1, 1), (1, 5)])
def test_the_central_box_is_torchvisions(size):
    """An area that no try can have leaves the central box alone."""
    view = CropView(8, crop_ratio_range=(1.0, 1.0), aspect_ratio_range=(1.2, 1.3))
    [theirs] = torchvisions_boxes(size, view, 1)
    assert view._central_box(*size) == tuple(theirs)


def test_a_crop_depends_on_its_key_and_view_alone(write):
    file = write(encoded(smooth(192, 288), 'PNG'))
    first = crops_of(file, BOTH)
    torch.rand(3)
    for crop, size, again in zip(first, (8, 5), crops_of(file, BOTH), strict=True):
        assert crop.shape == (3, size, size)
        assert crop.dtype == torch.uint8
        assert crop.is_contiguous()
        assert torch.equal(crop, again)
    assert torch.equal(crops_of(file, BOTH[:1])[0], first[0])
    for key in ((1, 1, 2), (0, 0, 2), (0, 1, 3)):
        assert not torch.equal(crops_of(file, BOTH, key)[0], first[0])
    same = crops_of(file, [dict(scale=8)] * 2)
    assert not torch.equal(*same)


# --- pixels


@pytest.mark.parametrize(
    ('interpolation', 'filter'),
    [('bicubic', Image.Resampling.BICUBIC), ('bilinear', Image.Resampling.BILINEAR)],
)
@pytest.mark.parametrize('scale', [9, 200])
def test_pixels_are_those_of_pillow(write, interpolation, filter, scale):
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    view = CropView(scale, interpolation=interpolation)
    transform = RandomResizedCrops([dict(scale=scale, interpolation=interpolation)])
    file = write(encoded(noise, 'PNG'))
    for image in range(5):
        key = (0, 0, image)
        [box] = transform._boxes(key, 60, 80)
        edges = (box.left, box.top, box.left + box.width, box.top + box.height)
        expected = Image.fromarray(noise).crop(edges).resize((view.scale,) * 2, filter)
        [found] = transform(dict(img_path=file, view_key=key))['img']
        difference = abs(rgb(found) - np.asarray(expected))
        assert difference.max() <= 2
        assert difference.mean() < 0.1


@pytest.mark.parametrize('shape', [(40, 50), (40, 50, 1), (40, 50, 3)])
def test_an_image_in_memory_is_cropped_too(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    results = dict(img=image, view_key=(0, 0, 0), gt_label=3)
    found = RandomResizedCrops([dict(scale=40, crop_ratio_range=(1.0, 1.0))])(results)
    assert found['gt_label'] == 3
    channels = shape[2] if len(shape) == 3 else 1
    assert [crop.shape for crop in found['img']] == [(channels, 40, 40)]
    if channels == 3:  # as of a file, for which the loader reverses them
        [reversed_] = RandomResizedCrops([dict(scale=40, crop_ratio_range=(1.0, 1.0))])(
            dict(results, img=image[..., ::-1])
        )['img']
        assert torch.equal(reversed_.flip(0), found['img'][0])


def test_the_settings_of_reading_are_the_loaders(write):
    clear = np.full((40, 50, 4), 77, np.uint8)
    clear[..., 3] = 0
    file = write(encoded(Image.fromarray(clear), 'PNG'))
    [crop] = crops_of(file, [dict(scale=4)], background=(0, 0, 255))
    assert crop[:, 0, 0].tolist() == [255, 0, 0]  # BGR
    [gray] = crops_of(file, [dict(scale=4)], color_type='grayscale')
    assert gray.shape == (1, 4, 4)
    assert gray.min() == 255
    with pytest.raises(UnreadableImageError, match='50 x 40 pixels are more than max_pixels=1999'):
        crops_of(file, [dict(scale=4)], max_pixels=1999)


# --- decoding at a part of the size


@pytest.mark.parametrize(
    ('edge', 'expected'), [(15, 1), (16, 2), (31, 2), (32, 4), (63, 4), (64, 8), (640, 8), (3, 1)]
)
def test_no_crop_is_enlarged_because_of_it(edge, expected):
    views = [CropView(8), CropView(4)]
    assert reduction([Box(0, 0, edge, 1000), Box(0, 0, 1000, 1000)], views) == expected
    assert reduction([Box(0, 0, 1000, 1000), Box(0, 0, 1000, edge // 2)], views) == (
        reduction([Box(0, 0, edge // 2 * 2, 1000)], views[:1])
    )


@pytest.mark.parametrize('factor', [1, 2, 4, 8])
def test_no_crop_becomes_empty(factor):
    for image in range(factor, 50):
        for start in range(image - factor + 1):
            small = Box(start, 0, factor, image).reduced(factor)
            assert small.height == 1
            assert small.width >= 1
            assert small.top + small.height <= -(-image // factor)


@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
@pytest.mark.parametrize('mode', ['RGB', 'L', 'CMYK'])
def test_a_large_photo_is_decoded_small_with_alike_crops(write, mode, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = Image.fromarray(smooth(487, 643)).convert(mode)
    file = write(encoded(photo, 'JPEG', exif=exif, quality=95))
    transform = RandomResizedCrops([dict(scale=48)] * 2)
    factors = set()
    decode = transform.loader.decode

    def watched(content, header, factor=1):
        pixels = decode(content, header, factor)
        factors.add(factor)
        edges = upright_size(Image.open(io.BytesIO(content)))
        assert pixels.shape[:2] == tuple(-(-edge // factor) for edge in edges)
        return pixels

    for image in range(12):
        key = (0, 0, image)
        whole = transform.loader(dict(img_path=file))['img']
        expected = transform(dict(img=whole, view_key=key))['img']
        transform.loader.decode = watched
        found = transform(dict(img_path=file, view_key=key))['img']
        transform.loader.decode = decode
        for one, other in zip(found, expected, strict=True):
            # Edges are rounded to decoded pixels; crops of other boxes differ by some 60.
            assert abs(rgb(one) - rgb(other)).mean() < 8
    assert len(factors - {1}) >= 2


def test_other_formats_are_decoded_whole(write):
    file = write(encoded(smooth(256, 320), 'PNG'))
    transform = RandomResizedCrops([dict(scale=4)])
    whole = transform.loader(dict(img_path=file))['img']
    found, expected = (
        transform(dict(given, view_key=(0, 0, 0)))['img']
        for given in (dict(img_path=file), dict(img=whole))
    )
    assert torch.equal(*found, *expected)


@pytest.mark.parametrize('scale', [2, 64])
def test_a_truncated_photo_is_refused(write, scale):
    content = encoded(smooth(256, 320), 'JPEG')
    file = write(content[:-300])
    with pytest.raises(UnreadableImageError, match='image file is truncated'):
        crops_of(file, [dict(scale=scale)])
    [padded] = crops_of(write(content + bytes(5)), [dict(scale=scale)])
    [plain] = crops_of(write(content), [dict(scale=scale)])
    assert torch.equal(padded, plain)


# --- settings


@pytest.mark.parametrize(
    ('views', 'message'),
    [
        ([], 'RandomResizedCrops has no views'),
        ([dict(scale=0)], 'scale=0 of RandomResizedCrops must be at least 1'),
        ([dict(scale=1, crop_ratio_range=(0, 1))], r'crop_ratio_range=\(0, 1\).* in \(0, 1\]'),
        ([dict(scale=1, crop_ratio_range=(0.5, 0.2))], r'crop_ratio_range=\(0.5, 0.2\)'),
        ([dict(scale=1, crop_ratio_range=(0.5, 1.2))], r'crop_ratio_range=\(0.5, 1.2\)'),
        ([dict(scale=1, aspect_ratio_range=(0, 1))], r'aspect_ratio_range=\(0, 1\)'),
        ([dict(scale=1, interpolation='nearest')], "interpolation='nearest' .* must be one of"),
    ],
)
def test_settings_that_describe_no_crop_are_refused(views, message):
    with pytest.raises(ValueError, match=message):
        RandomResizedCrops(views)


def test_a_color_type_that_has_no_crops_is_refused():
    with pytest.raises(ValueError, match="color_type='unchanged' of RandomResizedCrops"):
        RandomResizedCrops([dict(scale=1)], color_type='unchanged')
    assert "color_type='grayscale'" in repr(
        RandomResizedCrops([dict(scale=1)], color_type='grayscale')
    )
