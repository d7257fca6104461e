"""The counter-based generator: its published values, and independence of everything but place."""

from itertools import islice

import numpy as np
import pytest

from mmrcl.draws import numbers, philox, uniforms


# The values of its authors' Random123 library.
@pytest.mark.parametrize(
    'counter, key, expected',
    [
        ('00000000' * 4, '0' * 16, '6627e8d5 e169c58d bc57ac4c 9b00dbd8'),
        ('ffffffff' * 4, 'f' * 16, '408f276d 41c83b0e a20bc7c6 6d5451fd'),
        (
            '243f6a8885a308d313198a2e03707344',
            '299f31d0a4093822',
            'd16cfe09 94fdcceb 5001e420 24126ea1',
        ),
    ],
)
def test_published_values(counter, key, expected):
    words = np.array([int(counter[i : i + 8], 16) for i in range(0, 32, 8)], np.uint64)
    found = philox(words, int(key, 16))
    assert [f'{word:08x}' for word in found] == expected.split()


def test_a_number_depends_on_its_place_alone():
    images, epochs = np.arange(50), np.full(50, 3)
    found = uniforms(7, epochs, images, view=1, draws=9)
    order = np.random.default_rng(0).permutation(50)
    assert np.array_equal(uniforms(7, epochs, images[order], 1, 9), found[order])
    assert np.array_equal(uniforms(7, epochs, images, 1, 4), found[:, :4])
    for other in (
        uniforms(8, epochs, images, 1, 9),
        uniforms(7, epochs + 1, images, 1, 9),
        uniforms(7, epochs, images + 50, 1, 9),
        uniforms(7, epochs, images, 2, 9),
    ):
        assert not np.isin(other, found).any()


@pytest.mark.parametrize('seed', [0, 7, 2**64 - 1])
def test_the_numbers_of_one_image_are_those_of_many(seed):
    images, epochs = np.array([0, 5, 2**32 - 1]), np.array([3, 2**32 - 1, 0])
    found = uniforms(seed, epochs, images, 2, 9)
    for epoch, image, row in zip(epochs.tolist(), images.tolist(), found, strict=True):
        assert list(islice(numbers(seed, epoch, image, 2), 9)) == row.tolist()


def test_uniform_and_independent():
    found = uniforms(0, np.zeros(100_000, int), np.arange(100_000), 0, 8)
    assert found.min() >= 0 and found.max() < 1
    assert np.abs(found.mean(0) - 0.5).max() < 5 / np.sqrt(12 * 100_000)
    assert np.abs(np.corrcoef(found.T) - np.eye(8)).max() < 5 / np.sqrt(100_000)
