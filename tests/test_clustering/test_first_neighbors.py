"""First-neighbour clustering against a slow, literal one, and its invariants."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from mmrcl.clustering import (
    FirstNeighborSource,
    LabelHierarchy,
    LevelWarning,
    canonical_labels,
    copies,
    first_neighbor_levels,
)

from .cases import blobs, copied


def literal_step(points: np.ndarray, clusters: list[list[int]]) -> list[tuple[int, int]]:
    """The links of clusters, lists of images, to the nearest; the closest first."""
    means = [points[members].mean(0) for members in clusters]
    means = [mean / np.linalg.norm(mean) for mean in means]
    links: dict[tuple[int, int], float] = {}
    for one in range(len(clusters)):
        cosines = {
            two: float(means[one] @ means[two]) for two in range(len(clusters)) if two != one
        }
        nearest = max(cosines, key=cosines.get)
        if (nearest, one) not in links:
            links[one, nearest] = cosines[nearest]
    return sorted(links, key=lambda link: -links[link])


def literal_join(clusters: list[list[int]], links: list[tuple[int, int]]) -> list[list[int]]:
    """The clusters joined by links, in the order of their first images."""
    found = {number: set(members) for number, members in enumerate(clusters)}
    owner = {number: number for number in found}
    for one, two in links:
        keep, drop = sorted((owner[one], owner[two]))
        if keep != drop:
            found[keep] |= found.pop(drop)
            owner = {number: keep if own == drop else own for number, own in owner.items()}
    return sorted(sorted(members) for members in found.values())


def literal(points: np.ndarray, row: np.ndarray, counts: list[int] | None) -> list[list[list[int]]]:
    """The levels, as lists of clusters; images of one ``row`` are copies."""
    clusters = sorted(np.flatnonzero(row == number).tolist() for number in set(row.tolist()))
    levels = []
    waiting = list(counts or [])
    while len(clusters) > 1 and (counts is None or waiting):
        links = literal_step(points, clusters)
        joined = literal_join(clusters, links)
        while waiting and waiting[0] >= len(joined):
            cut = max(len(clusters) - waiting.pop(0), 0)
            levels.append(literal_join(clusters, links[:cut]))
        if counts is None:
            levels.append(joined)
        clusters = joined
    return levels + [clusters] * len(waiting) if levels or waiting else [clusters]


def numbered(levels: list[list[list[int]]], size: int) -> torch.Tensor:
    """Canonical labels of lists of clusters, shape (L, size)."""
    labels = torch.full((len(levels), size), -1)
    for level, clusters in zip(labels, levels, strict=True):
        for members in clusters:
            level[members] = min(members)
    return labels


def named(labels: torch.Tensor) -> torch.Tensor:
    return torch.stack([canonical_labels(level) for level in labels])


@settings(max_examples=60)
@given(case=copied(), sizes=st.lists(st.floats(1, 30), min_size=1, max_size=4))
def test_levels_equal_a_literal_version_with_copies_as_one_point(case, sizes):
    points, row = case
    counts = sorted((max(1, round(len(row) / size)) for size in sizes), reverse=True)
    for asked in (None, counts):
        expected = numbered(literal(points.numpy(), row.numpy(), asked), len(row))
        assert torch.equal(named(first_neighbor_levels(points, asked)), expected)


@pytest.mark.parametrize('seed', range(10))
def test_of_equal_cosines_the_smaller_index_wins(seed):
    # The products of these signs are exact in any order of summation, and most are equal.
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(2, (40, 16), generator=generator).double() / 2 - 0.25
    signs = torch.unique(signs, dim=0)
    signs = signs[torch.randperm(len(signs), generator=generator)]
    cosine = (signs @ signs.T).fill_diagonal_(-2)
    nearest = [int((line == line.max()).nonzero()[0]) for line in cosine]
    pairs = list(enumerate(nearest))
    expected = numbered([literal_join([[i] for i in range(len(signs))], pairs)], len(signs))
    assert torch.equal(named(first_neighbor_levels(signs)[:1]), expected)


@pytest.mark.parametrize('seed', range(20))
def test_levels_nest_have_the_asked_numbers_and_depend_on_nothing_else(seed):
    points = blobs([3] * 40, 0.3, seed=seed, dtype=torch.float32)
    counts = [97, 60, 41, 40, 7, 1]
    labels = first_neighbor_levels(points, counts)
    assert [len(level.unique()) for level in labels] == counts
    LabelHierarchy(7, 8, 120).set_labels(labels)
    own = first_neighbor_levels(points)
    assert int(own[0].bincount().masked_fill(own[0].bincount() == 0, 2).min()) >= 2
    assert len(own[-1].unique()) == 1
    LabelHierarchy(len(own) + 1, 8, 120).set_labels(own)
    torch.manual_seed(seed)
    assert torch.equal(first_neighbor_levels(points), own)


@pytest.mark.parametrize('queries', [1, 7, 64])
def test_blocks_of_queries_change_nothing(monkeypatch, queries):
    points = blobs([4] * 30, 0.3, dim=12)
    expected = first_neighbor_levels(points)
    monkeypatch.setattr(copies, '_QUERIES', queries)
    assert torch.equal(first_neighbor_levels(points), expected)


def test_half_precision_is_computed_in_float32():
    points = blobs([300], 0.1, dim=12).half()  # many of equal cosines in half precision
    assert torch.equal(first_neighbor_levels(points), first_neighbor_levels(points.float()))


@pytest.mark.parametrize('points', [torch.ones(1, 3), torch.eye(3)[:2], torch.zeros(5, 3)])
def test_few_images_end_in_one_cluster(points):
    assert first_neighbor_levels(points).tolist() == [[0] * len(points)]
    assert first_neighbor_levels(points, [1, 1]).tolist() == [[0] * len(points)] * 2
    two = first_neighbor_levels(torch.eye(3)[:2], [2, 1])
    assert two.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize('noise', [0.0, 1e-7, 1e-6, 1e-5])
def test_copies_up_to_rounding_share_a_cluster(noise):
    generator = torch.Generator().manual_seed(0)
    rows = torch.cat([torch.randn(1, 64, generator=generator).expand(60, -1), torch.eye(64)])
    rows = normalize(rows, dim=1) + noise * torch.randn(rows.shape, generator=generator)
    labels = first_neighbor_levels(normalize(rows, dim=1), [124, 65, 40])
    assert [len(level.unique()) for level in labels] == [65, 65, 40]
    assert all(len(level[:60].unique()) == 1 for level in labels)
    assert len(labels[0][60:].unique()) == 64


def test_the_source_meets_its_sizes_and_says_where_copies_prevent_it():
    points = blobs([1] * 300, 0.5, dim=12)
    source = FirstNeighborSource(mean_sizes=(2.6, 5.0, 300.0))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert [len(level.unique()) for level in source(points)] == [115, 60, 1]
    assert source.nested
    with pytest.warns(LevelWarning, match='level 2 has 10 images .* where 2.6 .* remove copies'):
        labels = source(points[:30].repeat(10, 1))
    assert [len(level.unique()) for level in labels] == [30, 30, 1]
    assert torch.equal(FirstNeighborSource(None)(points), first_neighbor_levels(points))


@pytest.mark.parametrize('sizes', [[], [0.5], [5, 2.6], [float('nan')]])
def test_wrong_sizes_are_refused_before_work_starts(sizes):
    with pytest.raises(ValueError, match='mean_sizes=.* must ascend from at least 1'):
        FirstNeighborSource(sizes)


@pytest.mark.parametrize('counts', [[], [0], [3, 5]])
def test_wrong_numbers_of_clusters_are_refused(counts):
    with pytest.raises(ValueError, match='num_clusters=.* must be above 0 and descend'):
        first_neighbor_levels(torch.eye(6), counts)
