"""The view and the projector of jigsaw patches, patch by patch."""

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample

from mmrcl.models import BatchJigsaw, JigsawNeck
from mmrcl.models.selfsup.pirl import split_patches
from mmrcl.registry import MODELS

from .test_batch_transforms import applied, noise, numbers


def literal_strip(image, draws, grid, patch):
    """Cut cell by cell, and sort by the third number of each."""
    height, width = image.shape[1] // grid, image.shape[2] // grid
    below, across, order = draws[1:].reshape(3, -1)
    patches = []
    for cell in range(grid**2):
        top = cell // grid * height + int(below[cell] * (height - patch + 1))
        left = cell % grid * width + int(across[cell] * (width - patch + 1))
        patches.append(image[:, top : top + patch, left : left + patch])
    return torch.cat([patches[cell] for cell in np.argsort(order)], 1)


@pytest.mark.parametrize(('grid', 'patch'), [(3, 5), (3, 6), (2, 4)])
@pytest.mark.parametrize('channels', [1, 3])
def test_equal_to_cutting_cell_by_cell(grid, patch, channels):
    images, transform = noise(12, channels), BatchJigsaw(grid, patch)
    draws = numbers(transform, 12)
    found = applied(transform, images, draws)
    assert found.shape[2:] == transform.output_size(images.shape[2:])
    for strip, image, own in zip(found, images, draws, strict=True):
        assert torch.equal(strip, literal_strip(image, own, grid, patch))


def test_every_place_and_order_is_drawn():
    transform = BatchJigsaw(2, 4)
    rows, columns = transform.parameters(numbers(transform, 4000)[:, 1:], (10, 12)).reshape(
        4000, 2, 4
    ).transpose(1, 0, 2)  # fmt: skip
    assert set(rows.ravel()) == {0, 1, 5, 6}
    assert set(columns.ravel()) == {0, 1, 2, 6, 7, 8}
    first = np.unique(rows[:, 0] // 5 * 2 + columns[:, 0] // 6, return_counts=True)[1]
    # Each of four cells 1,000 times, with a standard deviation of 27.
    assert len(first) == 4 and abs(first - 1000).max() < 110


def test_patches_of_a_view_are_those_of_the_preprocessor():
    """Made by the preprocessor, normalised, and split again."""
    config = dict(
        type='ViewsDataPreprocessor',
        mean=[100.0],
        std=[50.0],
        views=[[], [dict(type='BatchJigsaw', grid=3, patch=4)]],
    )
    with DefaultScope.overwrite_default_scope('mmrcl'):
        preprocessor = MODELS.build(config)
    images = torch.randint(0, 256, (5, 1, 13, 12), dtype=torch.uint8)
    samples = [DataSample(metainfo=dict(view_key=(3, 5, i))) for i in range(5)]
    data = dict(inputs=images, data_samples=samples)
    image, strip = preprocessor(data, training=True)['inputs']
    patches = split_patches(strip, 9)
    assert patches.shape == (45, 1, 4, 4)
    for number, patch in enumerate(patches):
        owner = image[number // 9, 0]
        windows = owner.unfold(0, 4, 1).unfold(1, 4, 1)
        assert (windows == patch[0]).all(-1).all(-1).any()


def test_neck_joins_the_patches_of_an_image():
    torch.manual_seed(0)
    neck, maps = JigsawNeck(6, 4, num_patches=3), torch.randn(5 * 3, 6, 2, 2)
    (found,) = neck((maps,))
    for image in range(5):
        parts = [neck.patch_fc(maps[3 * image + i].mean((1, 2))) for i in range(3)]
        assert torch.allclose(found[image], neck.image_fc(torch.cat(parts)), atol=1e-6)


def test_settings_that_do_not_fit():
    transform = BatchJigsaw(3, 5)
    with pytest.raises(ValueError, match='patch=5 does not fit into a cell of 4 x 5 pixels: crop'):
        applied(transform, noise(3, height=14, width=15), numbers(transform, 3))
    with pytest.raises(ValueError, match='grid=0 and patch=5 must be at least 1'):
        BatchJigsaw(0, 5)
