"""Batched transforms of views: image by image against torchvision, Pillow and mmpretrain."""

from itertools import permutations

import mmcv
import numpy as np
import pytest
import torch
from mmpretrain.datasets import transforms as old
from PIL import Image, ImageFilter
from scipy.stats import ks_2samp
from torch import Tensor
from torchvision.transforms.v2 import functional

from mmrcl.models import (
    BatchAffineCrop,
    BatchBrightness,
    BatchColorJitter,
    BatchFlip,
    BatchGaussianBlur,
    BatchGrayscale,
    BatchPatch,
    BatchSolarize,
    BatchTransform,
)
from mmrcl.models.views.base import send
from mmrcl.models.views.blur import pillow_kernels
from mmrcl.models.views.geometry import crop_boxes, source_grid

MANY = 20_000


def noise(count: int = 48, channels: int = 3, height: int = 20, width: int = 26) -> Tensor:
    """Images of 0 to 255, with black, white and grey ones among them."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, channels, height, width), generator=generator).float()
    images[0], images[1] = 0, 255
    images[2] = images[2, :1]
    return images


def smooth(height: int = 20, width: int = 26) -> Tensor:
    """An image whose interpolations agree, shape (1, height, width)."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    return (127 + 60 * torch.sin(x / 4) + 60 * torch.cos(y / 5 + x / 9))[None]


def numbers(transform: BatchTransform, count: int) -> np.ndarray:
    return np.random.default_rng(1).random((count, 1 + transform.draws))


def applied(transform: BatchTransform, images: Tensor, draws: np.ndarray) -> Tensor:
    plan = transform.plan(draws, images.shape[-2:])
    ((rows, values),) = send([plan], torch.device('cpu'))
    return transform.apply(images.clone(), rows, values)


def close(found: Tensor, expected: list[Tensor], levels: float = 1e-2) -> None:
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=levels)


def test_flip():
    images = noise()
    close(
        applied(BatchFlip(), images, numbers(BatchFlip(), 48)),
        [functional.horizontal_flip(image) for image in images],
    )


def test_patch():
    images, transform = noise(), BatchPatch(top=3, left=11, scale=15)
    found = applied(transform, images, numbers(transform, 48))
    close(found, [functional.crop(image, 3, 11, 15, 15) for image in images])
    assert transform.output_size((20, 26)) == (15, 15)


def test_grayscale_and_solarize():
    images = noise()
    gray, solarize = BatchGrayscale(), BatchSolarize(thr=128)
    close(
        applied(gray, images, numbers(gray, 48)),
        [functional.rgb_to_grayscale(image, 3) for image in images],
    )
    close(
        applied(solarize, images, numbers(solarize, 48)),
        [functional.solarize(image / 255, 128 / 255) * 255 for image in images],
    )


@pytest.mark.parametrize('channels', [1, 3])
def test_brightness(channels):
    images, transform = noise(channels=channels), BatchBrightness(strength=0.5)
    draws = numbers(transform, 48)
    factors = 0.5 + draws[:, 1]
    close(
        applied(transform, images, draws),
        [
            functional.adjust_brightness(image / 255, factor) * 255
            for image, factor in zip(images, factors, strict=True)
        ],
    )


def jittered(image: Tensor, strengths: list[float], draws: np.ndarray) -> Tensor:
    """One image by torchvision, with the numbers that are its own."""
    image = image / 255
    order = list(permutations(range(4)))[int(24 * draws[0])]
    for operation in order:
        strength, draw = strengths[operation], draws[1 + operation]
        low = -strength if operation == 3 else max(0, 1 - strength)
        high = strength if operation == 3 else 1 + strength
        adjust = (
            functional.adjust_brightness,
            functional.adjust_contrast,
            functional.adjust_saturation,
            functional.adjust_hue,
        )[operation]
        image = adjust(image, low + draw * (high - low))
    return image * 255


@pytest.mark.parametrize('strengths', [[0.4, 0.4, 0.2, 0.1], [1.5, 0.8, 0.8, 0.5], [0, 0, 0, 0]])
def test_color_jitter_in_every_order(strengths):
    images, transform = noise(96), BatchColorJitter(*strengths)
    draws = numbers(transform, 96)
    draws[:, 1] = (np.arange(96) % 24 + 0.5) / 24
    close(
        applied(transform, images, draws),
        [jittered(image, strengths, row[1:]) for image, row in zip(images, draws, strict=True)],
        levels=0.05,
    )


@pytest.mark.parametrize('channels', [1, 3])
def test_blur_is_that_of_pillow(channels):
    images, transform = noise(channels=channels), BatchGaussianBlur((0.1, 2.0))
    draws = numbers(transform, 48)
    found = applied(transform, images, draws)
    for image, blurred, draw in zip(images, found, draws[:, 1], strict=True):
        pixels = image.byte().numpy().transpose(1, 2, 0).squeeze()
        blur = ImageFilter.GaussianBlur(float(0.1 + 1.9 * draw))
        expected = np.array(Image.fromarray(pixels).filter(blur)).reshape(20, 26, channels)
        error = np.abs(blurred.numpy().transpose(1, 2, 0) - expected)
        assert error[6:-6, 6:-6].max() < 3  # Pillow rounds six times
        assert error.mean() < 2  # Pillow goes on beyond the border anew in each of three passes


def test_blur_has_the_variance_of_its_sigma():
    sigma = np.linspace(0, 3, 50)
    kernels = pillow_kernels(sigma, 3.0)
    place = np.arange(kernels.shape[1]) - kernels.shape[1] // 2
    assert np.allclose(kernels.sum(1), 1)
    assert np.allclose(kernels @ place, 0)
    assert np.allclose(kernels @ place**2, sigma**2)


def test_crop_is_torchvisions_resized_crop():
    images, transform = noise(), BatchAffineCrop(16, (0.1, 1.0))
    draws = numbers(transform, 48)
    boxes = crop_boxes(draws[:, 3:], (20, 26), (0.1, 1.0), (3 / 4, 4 / 3)).astype(int).tolist()
    close(
        applied(transform, images, draws),
        [
            functional.resized_crop(image, top, left, height, width, [16, 16], antialias=False)
            for image, (left, top, width, height) in zip(images, boxes, strict=True)
        ],
    )


def resampled(image: Tensor, angle: float, shear: float, size: int, box: list[int]) -> np.ndarray:
    grid = source_grid(
        np.array([box]), np.array([np.deg2rad(angle)]), np.array([shear]), size, image.shape[-2:]
    )
    transform = BatchAffineCrop(size)
    return transform.transform(image[None], torch.tensor(grid.reshape(1, -1)).float())[0, 0].numpy()


@pytest.mark.parametrize(('angle', 'shear'), [(20, 0), (-13, 0), (0, 0.3), (0, -0.2), (11, -0.3)])
def test_rotation_and_shear_are_those_of_mmpretrain(angle, shear):
    """mmcv's float images, rotated, then sheared; a whole square image, so that nothing is cut."""
    image = smooth(24, 24)
    expected = mmcv.imshear(mmcv.imrotate(image[0].numpy(), angle), shear)
    found = resampled(image, angle, shear, 24, [0, 0, 24, 24])
    error = np.abs(found - expected)
    assert np.median(error) < 0.7
    # Borders differ: two resamplings mix black in twice.
    assert (error > 4).mean() < (0.12 if angle and shear else 0.02)


def test_crop_is_of_the_rotated_and_sheared_image():
    image, box = smooth(24, 24), [5, 4, 14, 12]
    warped = mmcv.imshear(mmcv.imrotate(image[0].numpy(), 11), -0.2)
    expected = mmcv.imresize(warped[4:16, 5:19], (16, 16))
    assert np.abs(resampled(image, 11, -0.2, 16, box) - expected).max() < 2.5


def test_others_are_left_alone():
    images, transform = noise(), BatchSolarize(thr=0, prob=0.3)
    draws = numbers(transform, 48)
    found = applied(transform, images, draws)
    chosen = torch.from_numpy(draws[:, 0] < 0.3)
    assert 0 < chosen.sum() < 48
    assert torch.equal(found[~chosen], images[~chosen])
    assert torch.equal(found[chosen], 255 - images[chosen])
    assert torch.equal(applied(BatchSolarize(thr=0, prob=0.0), images, draws), images)


def alike(found: np.ndarray, expected: np.ndarray) -> None:
    """Columns have one distribution, by mean, deviation and the Kolmogorov-Smirnov test."""
    error = np.hypot(*[part.std(0) / np.sqrt(len(part)) for part in (found, expected)])
    assert (np.abs(found.mean(0) - expected.mean(0)) <= 4 * error + 1e-12).all()
    assert np.allclose(found.std(0), expected.std(0), rtol=0.03)
    for pair in zip(found.T, expected.T, strict=True):
        assert ks_2samp(*pair).pvalue > 1e-3


@pytest.mark.parametrize(
    ('size', 'settings'),
    [
        ((16, 16), dict(crop_ratio_range=(0.5, 1.0), aspect_ratio_range=(0.8, 1.25))),
        ((16, 16), dict(crop_ratio_range=(0.2, 0.5), aspect_ratio_range=(0.8, 1.25))),
        ((28, 28), dict(crop_ratio_range=(0.3, 1.0))),
        ((32, 32), dict(crop_ratio_range=(0.2, 1.0))),
        ((12, 40), dict(crop_ratio_range=(0.5, 1.0))),
    ],
)
def test_boxes_are_distributed_as_before(size, settings):
    before = old.RandomResizedCrop(scale=8, **settings)
    ratios = before.crop_ratio_range, before.aspect_ratio_range
    np.random.seed(0)
    top, left, height, width = np.array(
        [before.rand_crop_params(np.empty(size)) for _ in range(MANY)]
    ).T
    found = crop_boxes(np.random.default_rng(0).random((MANY, 22)), size, *ratios)
    alike(found, np.stack([left, top, width, height], 1))
    assert (found >= 0).all()
    assert (found[:, :2] + found[:, 2:] <= size[::-1]).all()


def test_factors_are_distributed_as_before():
    settings = dict(brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)
    before = old.ColorJitter(**settings)
    np.random.seed(0)
    drawn = [before._rand_params() for _ in range(MANY)]
    expected = np.array([[*factors, *np.argsort(order)] for order, *factors in drawn])
    draws = np.random.default_rng(0).random((MANY, 5))
    transform = BatchColorJitter(**settings)
    factors = transform.low + draws[:, 1:] * (transform.high - transform.low)
    order = np.array(list(permutations(range(4))))[(draws[:, 0] * 24).astype(int)]
    alike(np.concatenate([factors, order.argsort(1)], 1), expected)


def magnitudes(transform, negative: bool) -> np.ndarray:
    np.random.seed(0)
    drawn = [transform.random_magnitude() for _ in range(MANY)]
    return np.array([[transform.random_negative(one) if negative else one] for one in drawn])


def test_strengths_are_distributed_as_before():
    draws = np.random.default_rng(0).random((MANY, 1))
    brightness = old.Brightness(magnitude_range=(0, 0.5), magnitude_std='inf')
    alike(BatchBrightness(0.5).parameters(draws, (8, 8)), 1 + magnitudes(brightness, True))
    for kind, largest in ((old.Rotate, 20), (old.Shear, 0.3)):
        before = kind(magnitude_range=(0, largest), magnitude_std='inf')
        alike(largest * (2 * draws - 1), magnitudes(before, True))
    blur = old.GaussianBlur(magnitude_range=(0.1, 1.2), magnitude_std='inf')
    kernels = BatchGaussianBlur((0.1, 1.2)).parameters(draws, (8, 8))
    place = np.arange(kernels.shape[1]) - kernels.shape[1] // 2
    alike(np.sqrt(kernels @ place**2)[:, None], magnitudes(blur, False))


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (lambda: BatchFlip(prob=1.5), 'BatchFlip: prob=1.5 must be between 0 and 1'),
        (lambda: BatchColorJitter(hue=0.6), 'BatchColorJitter: .*hue=0.6 must'),
        (lambda: BatchColorJitter(contrast=-1), 'BatchColorJitter: .*contrast=-1'),
        (lambda: BatchColorJitter(brightness=(0, 1)), r'brightness=\(0, 1\).*must be numbers'),
        (lambda: BatchBrightness(strength=2), 'BatchBrightness: strength=2 must'),
        (lambda: BatchGaussianBlur((2, 1)), r'BatchGaussianBlur: sigma_range=\(2, 1\)'),
        (lambda: BatchGaussianBlur(1.0), 'sigma_range=1.0 must be two numbers'),
        (lambda: BatchAffineCrop(8, (0, 1)), r'BatchAffineCrop: crop_ratio_range=\(0, 1\)'),
        (lambda: BatchAffineCrop(8, aspect_ratio_range=(2, 1)), 'aspect_ratio_range=.2, 1. must'),
    ],
)
def test_settings_that_describe_nothing(build, message):
    with pytest.raises(ValueError, match=message):
        build()
