"""Views made on the device: what they depend on, and pipelines that do not fit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmpretrain.models.utils import SelfSupDataPreprocessor
from mmpretrain.structures import DataSample
from torch import Tensor
from torchvision.transforms.v2 import functional

from mmrcl.draws import uniforms
from mmrcl.models import ViewsDataPreprocessor
from mmrcl.registry import MODELS

from ..runs import CONFIG

COLORS = [
    dict(type='BatchFlip', prob=0.5),
    dict(type='BatchColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, prob=0.8),
    dict(type='BatchGrayscale', prob=0.2),
    dict(type='BatchGaussianBlur', sigma_range=(0.1, 2.0), prob=0.5),
    dict(type='BatchSolarize', prob=0.2),
]
CROP = dict(type='BatchAffineCrop', scale=12, crop_ratio_range=(0.3, 1.0), rotate=20, shear=0.3)
STATISTICS = dict(mean=[120.0, 110.0, 100.0], std=[60.0, 50.0, 40.0])


def build(views: list, **changes) -> ViewsDataPreprocessor:
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(dict(type='ViewsDataPreprocessor', views=views) | STATISTICS | changes)


def samples(images, seed: int = 3, epoch: int = 5) -> list[DataSample]:
    return [DataSample(metainfo=dict(view_key=(seed, epoch, int(i)))) for i in images]


def pixels(count: int, size: int = 16, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(count)
    shape = (count, channels, size, size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


TWO_VIEWS = build([[CROP, *COLORS], [*COLORS]])
IMAGES = pixels(30)


def views_of(rows, **place) -> list[Tensor]:
    data = dict(inputs=IMAGES[list(rows)], data_samples=samples(rows, **place))
    return TWO_VIEWS(data, True)['inputs']


ALL = views_of(range(30))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 29), min_size=1, max_size=30))
def test_a_view_depends_on_seed_epoch_and_image_alone(rows):
    """Not on its batch or the place in it: as for other ranks, and after a resume."""
    for found, expected in zip(views_of(rows), ALL, strict=True):
        torch.testing.assert_close(found, expected[rows], rtol=0, atol=1e-4)


def test_views_and_places_differ():
    first, second = build([[*COLORS]] * 2)(
        dict(inputs=IMAGES, data_samples=samples(range(30))), True
    )['inputs']
    others = [views_of(range(30), seed=4)[1], views_of(range(30), epoch=6)[1]]
    for other in (second, *others):
        assert (first - other).abs().amax((1, 2, 3)).gt(0.01).float().mean() > 0.9


def test_ranks_see_the_views_of_one_process():
    for rank in range(2):
        for shard, whole in zip(views_of(range(rank, 30, 2)), ALL, strict=True):
            torch.testing.assert_close(shard, whole[rank::2], rtol=0, atol=1e-4)


def test_transforms_follow_each_other_in_their_order():
    """Each takes the next numbers of its view, and every view starts from the image."""
    flip, solarize = dict(type='BatchFlip', prob=0.5), dict(type='BatchSolarize', prob=0.4)
    bright = dict(type='BatchBrightness', strength=0.5)
    model = build([[], [flip, bright, solarize]], to_rgb=True)
    data = dict(inputs=IMAGES, data_samples=samples(range(30)))
    plain, found = model(data, True)['inputs']
    numbers = uniforms(3, np.full(30, 5), np.arange(30), 1, 4)
    mean, std = (torch.tensor(STATISTICS[key]).view(-1, 1, 1) for key in ('mean', 'std'))
    for row, (flipped, _, factor, solarized) in enumerate(numbers):
        image = IMAGES[row].flip(0).float()
        torch.testing.assert_close(plain[row], (image - mean) / std)
        image = image.flip(2) if flipped < 0.5 else image
        image = functional.adjust_brightness(image / 255, 0.5 + factor) * 255
        image = torch.where(image < 128, image, 255 - image) if solarized < 0.4 else image
        torch.testing.assert_close(found[row], (image - mean) / std, rtol=0, atol=1e-4)


def test_each_view_starts_from_its_crop():
    crops = [pixels(4, 16), pixels(4, 8)]
    model = build([[], []])
    found = model(dict(inputs=crops, data_samples=samples(range(4))), True)['inputs']
    expected = SelfSupDataPreprocessor(**STATISTICS)(dict(inputs=crops, data_samples=[]))
    assert all(map(torch.equal, found, expected['inputs']))


def test_labels_stay_where_they_are_and_inputs_as_they_were():
    given_samples, images = samples(range(30)), IMAGES.clone()
    found = TWO_VIEWS(dict(inputs=images, data_samples=given_samples), True)
    assert found['data_samples'] is given_samples
    assert torch.equal(images, IMAGES)


def test_half_precision_around_it_changes_nothing():
    with torch.autocast('cpu', torch.bfloat16):
        found = views_of(range(30))
    assert all(map(torch.equal, found, ALL))
    assert [view.dtype for view in found] == [torch.float32] * 2


@pytest.mark.parametrize('to_rgb', [True, False])
def test_test_time_is_mmpretrains(to_rgb):
    data = dict(inputs=IMAGES, data_samples=[DataSample().set_gt_label(1) for _ in range(30)])
    expected = SelfSupDataPreprocessor(**STATISTICS, to_rgb=to_rgb)(data, False)
    found = build([[*COLORS]], to_rgb=to_rgb)(data, False)
    assert torch.equal(found['inputs'], expected['inputs'])
    assert int(found['data_samples'][0].gt_label) == 1


def test_checkpoints_of_before_load():
    before = SelfSupDataPreprocessor(**STATISTICS)
    assert TWO_VIEWS.state_dict().keys() == before.state_dict().keys()


def test_digits_are_of_their_size():
    config = Config.fromfile(CONFIG)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(config.data_preprocessor)
    data = dict(inputs=pixels(6, 16, 1), data_samples=samples(range(6)))
    assert [view.shape for view in model(data, True)['inputs']] == [(6, 1, 16, 16)] * 2


@pytest.mark.parametrize(
    ('views', 'inputs', 'message'),
    [
        ([[], []], [*pixels(2)], 'one by one, not in batches.*default_collate'),
        ([[], []], [pixels(2)] * 3, r'data_preprocessor.views has 2 views.* returns 3 crops'),
        ([[], []], pixels(2).float(), r'images of torch.float32.*8 bits.*remove'),
        ([[], []], [pixels(2), pixels(2).float()], 'images of torch.float32'),
        ([[], [*COLORS]], pixels(2, channels=1), r'views\[1\] has BatchColorJitter.* 3 channels'),
        ([[COLORS[2]]], pixels(2, channels=1), 'BatchGrayscale, which takes 3 channels'),
    ],
)
def test_pipelines_that_do_not_fit(views, inputs, message):
    with pytest.raises(ValueError, match=message):
        build(views)(dict(inputs=inputs, data_samples=samples(range(2))), True)


def test_samples_need_their_key():
    for given_samples in ([DataSample(), DataSample()], None):
        with pytest.raises(ValueError, match='view_key.*ResumableTrainLoop.*SeededDataset'):
            TWO_VIEWS(dict(inputs=IMAGES[:2], data_samples=given_samples), True)


@pytest.mark.parametrize(
    ('views', 'message'),
    [
        ([], 'views is empty'),
        ([dict(type='BatchFlip')], r'views\[0\]=.* must be a list of dict'),
        ([['BatchFlip'], []], r'views\[0\]=.* must be a list of dict'),
        ([[], [dict(type='RandomFlip', prob=0.5)]], r'views\[1\]: RandomFlip is no transform.*Bat'),
        ([[dict(type='BatchFlop')]], r'views\[0\]: BatchFlop is no transform.*BatchFlip'),
        ([[dict(type='ResNet', depth=18)]], r'views\[0\]: ResNet is no transform'),
        ([[dict(prob=0.5)]], r'views\[0\]: None is no transform'),
        ([[dict(type='BatchSolarize', prob=2)]], 'BatchSolarize: prob=2'),
        ([[dict(type='BatchAffineCrop', scale=0)]], 'BatchAffineCrop: scale=0'),
    ],
)
def test_settings_that_do_not_fit(views, message):
    with pytest.raises(ValueError, match=message):
        build(views)
