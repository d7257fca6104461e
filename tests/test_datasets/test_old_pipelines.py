"""Pipelines that make the views themselves, as the shipped configs did before, still run."""

import numpy as np
import pytest
import torch
from mmengine.dataset import default_collate
from mmengine.registry import DefaultScope
from PIL import Image

from mmrcl.datasets import SampleKey, SeededDataset
from mmrcl.registry import MODELS

CROP = dict(type='RandomResizedCrop', scale=32, interpolation='bicubic', backend='pillow')
JITTER = dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)
BLUR = dict(type='GaussianBlur', magnitude_range=(0.1, 2.0), magnitude_std='inf')
BYOL = [
    CROP,
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomApply', transforms=[JITTER], prob=0.8),
    dict(
        type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)
    ),
]
WARP = dict(magnitude_std='inf', prob=1.0, pad_val=0, interpolation='bilinear')
DIGITS = [
    dict(type='Rotate', magnitude_range=(0, 20), **WARP),
    dict(type='Shear', magnitude_range=(0, 0.3), **WARP),
    dict(
        type='RandomResizedCrop',
        scale=16,
        crop_ratio_range=(0.5, 1.0),
        aspect_ratio_range=(0.8, 1.25),
    ),
    dict(type='Brightness', magnitude_range=(0, 0.5), magnitude_std='inf', prob=0.8),
    dict(type='GaussianBlur', magnitude_range=(0.1, 1.2), magnitude_std='inf', prob=0.5),
]


def byol(folder) -> tuple[dict, dict]:
    pixels = np.random.default_rng(0).integers(256, size=(40, 48, 3), dtype=np.uint8)
    for name in range(4):
        Image.fromarray(pixels).save(folder / f'{name}.png')
    views = [
        [*BYOL, dict(**BLUR, prob=1.0)],
        [*BYOL, dict(**BLUR, prob=0.1), dict(type='Solarize', thr=128, prob=0.2)],
    ]
    pipeline = [
        dict(type='LoadImageFromFile', imdecode_backend='pillow'),
        dict(type='MultiView', num_views=[1, 1], transforms=views),
        dict(type='PackInputs'),
    ]
    statistics = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
    return dict(type='ImageFolder', data_root=str(folder), pipeline=pipeline), statistics


def digits(folder) -> tuple[dict, dict]:
    pipeline = [
        dict(type='Resize', scale=(16, 16), interpolation='bicubic'),
        dict(type='MultiView', num_views=[2], transforms=[DIGITS]),
        dict(type='PackInputs'),
    ]
    return dict(type='Digits', pipeline=pipeline), dict(mean=[78.0], std=[96.0])


@pytest.mark.parametrize(('old', 'shape'), [(byol, (4, 3, 32, 32)), (digits, (4, 1, 16, 16))])
def test_old_pipelines_run_and_repeat(old, shape, tmp_path):
    dataset, statistics = old(tmp_path)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        data = SeededDataset(dataset)
        preprocessor = MODELS.build(dict(type='SelfSupDataPreprocessor', **statistics))
    batches = []
    for epoch in (0, 0, 1):
        items = [data[SampleKey(5, epoch, image)] for image in range(4)]
        batches.append(preprocessor(default_collate(items), True)['inputs'])
    assert [view.shape for batch in batches for view in batch] == [shape] * 6
    assert all(map(torch.equal, batches[0], batches[1]))
    assert not torch.equal(batches[0][0], batches[2][0])
    assert not torch.equal(*batches[0])
