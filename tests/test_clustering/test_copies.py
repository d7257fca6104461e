"""Copies of an image, exact and up to rounding, share a cluster and leave the others alone."""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import (
    DBSCANSource,
    EuclideanGraph,
    HierarchyRefiner,
    JaccardGraph,
    LabelHierarchy,
    PercolationWarning,
    canonical_labels,
    kmeans,
    nested_dbscan,
)
from mmrcl.clustering.copies import SAME, distinct_neighbors, equal_rows

from .cases import blobs, copied

EPS = [0.41, 0.61]
needs_kmeans = pytest.mark.skipif(
    sys.version_info < (3, 11), reason='pt_kmeans needs Python 3.11 or newer'
)


def literal(points, row, k, eps, metric, min_samples=4):
    """DBSCAN over different vectors with loops: clusters of the core points, and the noise."""
    distinct = [int((row == r).nonzero()[0]) for r in row.unique()]
    weight = [int((row == row[i]).sum()) for i in distinct]
    x = points[distinct]
    n = len(x)
    if metric == 'euclidean':
        distance = [[float((a - b).norm()) for b in x] for a in x]
    else:
        near = [set((x @ x[i]).topk(min(k, n)).indices.tolist()) for i in range(n)]
        mutual = [{j for j in near[i] if i in near[j]} | {i} for i in range(n)]
        distance = [[1 - len(a & b) / len(a | b) for b in mutual] for a in mutual]
    within = [[j for j in range(n) if distance[i][j] <= eps] for i in range(n)]
    core = [sum(weight[j] for j in within[i]) >= min_samples for i in range(n)]
    cluster = list(range(n))
    for _ in range(n):
        for i in range(n):
            for j in within[i]:
                if core[i] and core[j]:
                    cluster[i] = cluster[j] = min(cluster[i], cluster[j])
    number = {int(row[image]): place for place, image in enumerate(distinct)}
    places = [number[int(r)] for r in row]
    return torch.tensor([core[p] for p in places]), torch.tensor([cluster[p] for p in places])


@pytest.mark.parametrize('metric', ['euclidean', 'jaccard'])
@settings(max_examples=25, deadline=None)
@given(case=copied())
def test_clusters_equal_a_literal_reading_in_which_copies_are_one_point(metric, case):
    points, row = case
    graph = JaccardGraph(points, 6, block_size=7)
    if metric == 'euclidean':
        graph = EuclideanGraph(points, block_size=7)
    for max_edges in (0, 1 << 24):
        found = nested_dbscan(graph, EPS, max_edges=max_edges)
        for labels, core, eps in zip(found.labels, found.core, EPS, strict=True):
            expected, clusters = literal(points, row, 6, eps, metric)
            assert torch.equal(core, expected)
            assert torch.equal(canonical_labels(labels[core]), canonical_labels(clusters[core]))
            assert torch.equal(labels, labels[equal_rows(points)])


@pytest.mark.parametrize('make', [EuclideanGraph, JaccardGraph])
def test_the_order_of_images_only_renames_clusters(make):
    points = blobs([6] * 20, 0.2, dim=12).repeat(3, 1)
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(1))
    found, moved = (nested_dbscan(make(x), EPS) for x in (points, points[order]))
    assert torch.equal(found.core[:, order], moved.core)
    for labels, other, core in zip(found.labels, moved.labels, moved.core, strict=True):
        expected = canonical_labels(labels[order][core])
        assert torch.equal(expected, canonical_labels(other[core]))


def test_equal_rows_are_found_by_value():
    rows = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0], [1.0, 0.0], [0.0, 2.0]])
    for dtype in (torch.float16, torch.float32, torch.float64):
        assert equal_rows(rows.to(dtype)).tolist() == [0, 1, 0, 1, 4]


@pytest.mark.parametrize('noise', [0.0, 1e-7, 1e-6, 1e-5])
def test_copies_up_to_rounding_share_a_cluster(noise):
    """More copies than neighbours, as of one image in different batches, among other images."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.cat([torch.randn(1, 64, generator=generator).expand(60, -1), torch.eye(64)])
    rows = normalize(rows, dim=1) + noise * torch.randn(rows.shape, generator=generator)
    labels = DBSCANSource(metric='jaccard')(normalize(rows, dim=1))
    assert (labels[:, :60] == 0).all()
    assert (labels[:, 60:] > 0).all()


@pytest.mark.parametrize('noise', [0.0, 1e-6])
def test_a_collapsed_encoder_is_one_cluster_with_a_warning(noise):
    rows = torch.ones(3000, 32) + noise * torch.randn(3000, 32)
    with pytest.warns(PercolationWarning):
        labels = DBSCANSource(metric='jaccard')(normalize(rows, dim=1))
    assert (labels == 0).all()


def test_chains_of_near_points_do_not_merge_as_a_whole():
    angle = torch.arange(4000, dtype=torch.float64) * SAME / 2
    ring = torch.stack([angle.cos(), angle.sin()], 1)
    points, _, _ = distinct_neighbors(ring, 8)
    assert len(points.image) > 1000
    drift = (ring - ring[points.image][points.of_image]).norm(dim=1)
    assert drift.max() < 3 * SAME


@needs_kmeans
def test_copies_share_their_kmeans_label():
    points = blobs([1] * 40, 0.5).repeat(7, 1)
    labels = kmeans(points, 30)
    assert torch.equal(labels, labels[equal_rows(points)])


def refined(features: Tensor, assign: str, max_units: int, dtype: str) -> Tensor:
    """Labels after three refinements of one cluster of all images."""
    hierarchy = LabelHierarchy(3, features.shape[1], len(features), bank_dtype=dtype)
    hierarchy.set_bank(features)
    hierarchy.set_labels(torch.zeros(2, len(features), dtype=torch.long))
    refiner = HierarchyRefiner(assign=assign, max_units=max_units)
    refiner.calibrate(hierarchy)
    for start in range(3):
        refiner.refine(hierarchy, torch.arange(start, len(features) + 3, 7) % len(features))
    hierarchy.check()
    return hierarchy.labels


@pytest.mark.slow
@pytest.mark.parametrize('dtype', ['float32', 'float16'])
@pytest.mark.parametrize('assign', ['nearest', 'propagation'])
@settings(max_examples=16, deadline=None)
@given(case=copied(), noise=st.sampled_from([0, 1e-7, 1e-6, 1e-5]), seed=st.integers(0, 99))
def test_refinement_splits_no_copies(dtype, assign, case, noise, seed):
    points, row = case
    generator = torch.Generator().manual_seed(seed)
    points = points + noise * torch.randn(points.shape, generator=generator)
    assert_copies_share(refined(normalize(points, dim=1).float(), assign, 256, dtype), row)


@pytest.mark.slow
@pytest.mark.parametrize('dtype', ['float32', 'float16'])
@settings(max_examples=16, deadline=None)
@given(case=copied())
def test_refinement_splits_no_equal_rows_of_a_wide_cluster(dtype, case):
    points, row = case
    assert_copies_share(refined(normalize(points, dim=1).float(), 'nearest', 7, dtype), row)


def assert_copies_share(labels: Tensor, row: Tensor) -> None:
    """Compares the label of each image with that of the first copy of its ``row``, by level."""
    for level in labels:
        first = torch.stack([level[row == number][0] for number in row.unique()])
        assert torch.equal(level, first[row])


@pytest.mark.parametrize('noise', [0, 1e-7, 1e-6, 1e-5])
@pytest.mark.parametrize('assign', ['nearest', 'propagation'])
def test_refinement_leaves_a_collapsed_bank_whole(assign, noise):
    generator = torch.Generator().manual_seed(0)
    rows = normalize(torch.ones(500, 32) + noise * torch.randn(500, 32, generator=generator), dim=1)
    for max_units in (256, 1000):
        assert (refined(rows, assign, max_units, 'float32') == 0).all()


@pytest.mark.parametrize('noise', [1e-7, 1e-6, 1e-5])
def test_auto_radii_follow_the_scale_of_nearly_equal_features(noise):
    """The radii of float32 products alone would be those of rounding."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.ones(400, 32) + noise * torch.randn(400, 32, generator=generator)
    points = normalize(rows, dim=1)
    graph = EuclideanGraph(points)
    distance = torch.cdist(points.double(), points.double()).sort().values[:, 3]
    least, most = distance.quantile(torch.tensor([0.02, 0.98]).double()).tolist()
    radii = graph.candidate_radii(4)
    assert [radii[0], radii[-1]] == pytest.approx([least, most], rel=0.05)
    with pytest.warns(UserWarning, match='nearly equal features'):
        DBSCANSource()(points)
