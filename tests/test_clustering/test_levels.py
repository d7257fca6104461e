"""Warnings about levels that are not what was asked for."""

import sys
import warnings

import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.clustering import (
    DBSCANSource,
    HierarchicalKMeansSource,
    KMeansSource,
    LevelWarning,
    warn_of_equal_levels,
    warn_of_missed_sizes,
)

from .cases import blobs

ALONE = torch.arange(12)
PAIRS = ALONE // 2


def messages(call, *args) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        call(*args)
    assert all(warning.category is LevelWarning for warning in caught)
    return [str(warning.message) for warning in caught]


def check_sizes(labels, sizes):
    warn_of_missed_sizes(labels, sizes, 'nothing')


def test_equal_levels_are_named_whatever_their_labels():
    levels = torch.stack([ALONE.flip(0), PAIRS, 7 - PAIRS, 0 * PAIRS])
    found = messages(warn_of_equal_levels, levels)
    assert [text[:40] for text in found] == [
        'levels 1 and 2 have the same clusters, s',
        'levels 3 and 4 have the same clusters, s',
    ]
    assert not messages(warn_of_equal_levels, levels[[1, 3]])


@pytest.mark.parametrize(
    ('size', 'missed'), [(1.55, True), (1.65, False), (2, False), (2.49, False), (2.51, True)]
)
def test_a_mean_size_is_missed_by_more_than_a_quarter(size, missed):
    found = messages(check_sizes, PAIRS[None], [size])
    assert len(found) == missed
    if missed:
        said = f'level 2 has 2 images a cluster where {size:.3g} were asked for, and 0% of the'
        assert found[0].startswith(said) and found[0].endswith('try nothing')


def test_more_images_than_there_are_call_for_smaller_sizes():
    found = messages(check_sizes, torch.zeros(1, 12, dtype=torch.long), [20])
    assert len(found) == 1 and found[0].endswith('alone; try at most 12, all images')


def test_a_met_mean_size_of_which_most_images_are_alone():
    for alone, large, said in ((10, 9, 'and 53% of the images are alone'), (9, 10, None)):
        labels = torch.cat([torch.arange(alone), torch.full((large,), alone)])
        found = messages(check_sizes, labels[None], [2])
        assert (said in found[0]) if said else not found
        assert not messages(check_sizes, labels[None], [1.9])


def test_radii_that_the_bound_limits_are_warned_of():
    points = blobs([50] * 4, 0.3, dim=12)
    with pytest.warns(LevelWarning, match='level 3 has .* where 20 were .*FirstNeighborSource'):
        labels = DBSCANSource(mean_sizes=(5, 20), max_share=0.1)(points)
    with pytest.warns(LevelWarning, match='levels 2 and 3'):
        warn_of_equal_levels(labels)


@pytest.mark.skipif(sys.version_info < (3, 11), reason='pt_kmeans')
@pytest.mark.parametrize('source', [KMeansSource, HierarchicalKMeansSource])
def test_centers_without_images_are_warned_of(source):
    points = normalize(blobs([1] * 6, 0.3), dim=1).repeat(10, 1)
    with pytest.warns(LevelWarning, match='level 2 has 10 .* where 2 were .* smaller num_clusters'):
        source([30, 3])(points)
    with warnings.catch_warnings():
        warnings.simplefilter('error', LevelWarning)
        source([6, 3])(points)
