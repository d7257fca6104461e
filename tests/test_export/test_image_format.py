"""Image formats of configs."""

import pytest
from mmengine.config import Config

from mmrcl.export import image_format

from .encoders import IMAGENET, config_with

DIGITS = 'configs/rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'
CIFAR10 = 'configs/rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py'


@pytest.mark.parametrize(
    ('path', 'size', 'interpolation', 'crop_pct', 'crop_mode', 'colors'),
    [
        (IMAGENET, (3, 224, 224), 'bicubic', 0.875, 'center', 'RGB'),
        (DIGITS, (1, 16, 16), 'bicubic', 1.0, 'squash', 'gray'),
        (CIFAR10, (3, 32, 32), 'bilinear', 1.0, 'center', 'RGB'),
    ],
)
def test_of_shipped_configs(path, size, interpolation, crop_pct, crop_mode, colors):
    found = image_format(Config.fromfile(path))
    assert found.size == size and found.colors == colors
    assert (found.interpolation, found.crop_pct) == (interpolation, crop_pct)
    assert found.crop_mode == crop_mode


@pytest.mark.parametrize(
    ('loads', 'swaps', 'colors'),
    [(True, True, 'RGB'), (True, False, 'BGR'), (False, False, 'RGB'), (False, True, 'BGR')],
)
def test_order_of_the_channels(loads, swaps, colors):
    config = config_with()
    steps = config.test_dataloader.dataset.pipeline
    config.test_dataloader.dataset.pipeline = steps if loads else steps[1:]
    config.data_preprocessor.to_rgb = swaps
    assert image_format(config).colors == colors


def test_sizes_are_pairs_of_width_and_height():
    config = config_with()
    config.test_dataloader.dataset.pipeline[1].update(scale=(96, 64), interpolation='area')
    found = image_format(config)
    assert found.size == (3, 64, 96) and found.interpolation == 'box'


def test_images_without_a_mean_are_scaled_alone():
    config = config_with()
    config.data_preprocessor = dict(type='SelfSupDataPreprocessor', to_rgb=True)
    found = image_format(config)
    assert found.mean == (0, 0, 0) and found.std == pytest.approx((1 / 255,) * 3)


def test_the_size_comes_from_the_training_views_or_is_assumed():
    config = config_with(None)
    del config.test_dataloader.dataset['pipeline']
    del config.train_dataloader.dataset.pipeline[0]['views'][0]
    assert image_format(config).size == (3, 224, 224)
    config.train_dataloader.dataset.pipeline[0]['views'][0].scale = 96
    assert image_format(config).size == (3, 96, 96)
    config.train_dataloader.dataset.pipeline = []
    with pytest.warns(UserWarning, match='states no image size, so 224 x 224 pixels are assumed'):
        assert image_format(config).size == (3, 224, 224)
