import numpy as np
import pytest
import torch
from sklearn.cluster import DBSCAN

from mmrcl.clustering import (
    DBSCANSource,
    EuclideanGraph,
    JaccardGraph,
    PercolationWarning,
    canonical_labels,
    choose_radii,
    nested_dbscan,
    summarize_partition,
)

from .cases import blobs

EPS = [0.35, 0.6, 0.8]


def point_set(seed: int) -> torch.Tensor:
    """Random and clustered sets in turn, of several sizes, dimensions and densities."""
    generator = np.random.default_rng(seed)
    if seed % 3 == 0:
        return blobs([1] * int(generator.integers(20, 300)), 0.3, dim=4, seed=seed)
    sizes = generator.integers(1, 40, size=int(generator.integers(2, 12))).tolist()
    return blobs(
        sizes, float(generator.uniform(0.02, 0.35)), dim=int(generator.integers(3, 24)), seed=seed
    )


def assert_same_core_partition(labels, core, reference: DBSCAN) -> None:
    expected = np.zeros(len(labels), bool)
    expected[reference.core_sample_indices_] = True
    np.testing.assert_array_equal(core.numpy(), expected)
    ours = canonical_labels(labels[core])
    theirs = canonical_labels(torch.from_numpy(reference.labels_[expected]))
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize('seed', range(30))
@pytest.mark.parametrize('max_edges', [0, 1 << 24])
def test_core_points_and_partition_equal_sklearn(seed, max_edges):
    points = point_set(seed)
    graph = EuclideanGraph(points, block_size=37)
    found = nested_dbscan(graph, EPS, min_samples=4, max_edges=max_edges)
    for labels, core, eps in zip(found.labels, found.core, EPS, strict=True):
        assert_same_core_partition(labels, core, DBSCAN(eps=eps, min_samples=4).fit(points.numpy()))


@pytest.mark.parametrize('seed', range(30))
def test_levels_nest_and_borders_follow_the_rule(seed):
    points = point_set(seed)
    found = nested_dbscan(EuclideanGraph(points, block_size=50), EPS)
    labels = [torch.arange(len(points)), *found.labels]
    for fine, coarse in zip(labels[:-1], labels[1:], strict=True):
        assert torch.equal(coarse, coarse[fine])
    distance = torch.cdist(points, points, compute_mode='donot_use_mm_for_euclid_dist')
    attached = torch.full((len(points),), -1)
    for level, (core, eps) in enumerate(zip(found.core, EPS, strict=True), start=1):
        for point in range(len(points)):
            cores = (core & (distance[point] <= eps)).nonzero().flatten()
            if core[point]:
                attached[point] = point
            elif attached[point] < 0 and len(cores):
                attached[point] = cores[distance[point, cores].argmin()]
            same_cluster = (labels[level] == labels[level][point]).sum()
            if attached[point] < 0:
                assert same_cluster == 1
            else:
                assert labels[level][point] == labels[level][attached[point]]


def test_a_border_point_stays_with_the_core_that_it_found_first():
    """At the coarse radius a nearer core turns up in another cluster: following it would tear."""
    point, left, right = [0.0, 0.0], [-0.34, 0.0], [0.2, 0.0]
    beyond_left = [[-0.44, 0.0], [-0.44, 0.05], [-0.44, -0.05]]
    beyond_right = [[0.58, 0.0], [0.579, 0.02]]
    points = torch.tensor([point, left, *beyond_left, right, *beyond_right], dtype=torch.float64)
    found = nested_dbscan(EuclideanGraph(points), [0.35, 0.4])
    assert found.core[:, [0, 1, 5]].tolist() == [[False, True, False], [False, True, True]]
    assert found.labels[0].tolist() == [0, 0, 0, 0, 0, 5, 6, 7]
    assert found.labels[1].tolist() == [0, 0, 0, 0, 0, 5, 5, 5]


def test_everything_within_eps_is_one_cluster():
    found = nested_dbscan(EuclideanGraph(blobs([150], 0.01), block_size=32), EPS)
    assert (found.labels == 0).all()
    assert found.core.all()


def test_all_noise_stays_alone():
    found = nested_dbscan(EuclideanGraph(torch.eye(50, dtype=torch.float64)), EPS)
    assert torch.equal(found.labels, torch.arange(50).repeat(3, 1))
    assert not found.core.any()


@pytest.mark.parametrize('sizes', [[400], [250, 150], [3] * 40 + [200]])
@pytest.mark.parametrize('min_samples', [2, 4, 60])
def test_dense_data_without_listing_the_pairs(sizes, min_samples):
    points = blobs(sizes, 0.12, dim=16)
    found = nested_dbscan(EuclideanGraph(points, block_size=96), EPS, min_samples, max_edges=0)
    kept = nested_dbscan(EuclideanGraph(points), EPS, min_samples)
    assert torch.equal(found.labels, kept.labels)
    for labels, core, eps in zip(found.labels, found.core, EPS, strict=True):
        reference = DBSCAN(eps=eps, min_samples=min_samples).fit(points.numpy())
        assert_same_core_partition(labels, core, reference)


@pytest.mark.parametrize('precision', ['high', 'medium'])
@pytest.mark.parametrize('max_edges', [0, 1 << 24])
def test_coarse_products_change_nothing(precision, max_edges, monkeypatch):
    """Features cut to 7 bits inside the products stand for a device that does so."""
    points = blobs([1] * 400, 0.3, dtype=torch.float32, dim=7, seed=1)
    expected = nested_dbscan(EuclideanGraph(points), EPS)
    exact = torch.mm

    def coarse(left, right, out):
        return exact(left.bfloat16().float(), right.bfloat16().float(), out=out)

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        if precision == 'medium':
            monkeypatch.setattr(torch, 'mm', coarse)
        found = nested_dbscan(EuclideanGraph(points, block_size=64), EPS, max_edges=max_edges)
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.equal(found.core, expected.core)
    assert torch.equal(found.labels, expected.labels)


def test_float32_unit_vectors():
    points = blobs([30, 30, 1, 1], 0.1, dtype=torch.float32)
    found = nested_dbscan(EuclideanGraph(points), EPS)
    for labels, core, eps in zip(found.labels, found.core, EPS, strict=True):
        assert_same_core_partition(labels, core, DBSCAN(eps=eps, min_samples=4).fit(points.numpy()))


def literal_jaccard(points: torch.Tensor, k: int) -> np.ndarray:
    nearest = [set(row) for row in (points @ points.T).topk(k).indices.tolist()]
    mutual = [{j for j in nearest[i] if i in nearest[j]} | {i} for i in range(len(points))]
    return np.array([[1 - len(a & b) / len(a | b) for b in mutual] for a in mutual])


@pytest.mark.parametrize('seed', range(8))
def test_jaccard_graph_and_clusters_equal_the_dense_distance(seed):
    points = point_set(seed)
    k = min(8, len(points))
    dense = literal_jaccard(points, k)
    graph = JaccardGraph(points, k, block_size=16)
    edges = [torch.cat(parts) for parts in zip(*graph.edges(0.7), strict=True)]
    rows, cols = np.nonzero(np.triu(dense <= 0.7, 1))
    found = sorted(zip(*[part.tolist() for part in edges], strict=True))
    assert [pair[:2] for pair in found] == sorted(zip(rows.tolist(), cols.tolist(), strict=True))
    np.testing.assert_allclose([pair[2] for pair in found], dense[rows, cols], atol=1e-6)
    eps = [0.41, 0.61]
    result = nested_dbscan(graph, eps)
    for labels, core, radius in zip(result.labels, result.core, eps, strict=True):
        reference = DBSCAN(eps=radius, min_samples=4, metric='precomputed').fit(dense)
        assert_same_core_partition(labels, core, reference)


@pytest.mark.parametrize('make', [EuclideanGraph, JaccardGraph])
@pytest.mark.parametrize('max_edges', [0, 300, 1 << 24])
def test_auto_radii_keep_both_bounds(make, max_edges):
    graph = make(blobs([6] * 60 + [1] * 40, 0.12, dim=32))
    sizes, share = [2.0, 3.5], 0.1
    radii, kept = choose_radii(graph, sizes, share, max_edges=max_edges)
    assert radii == sorted(radii)
    assert radii == choose_radii(graph, sizes, share)[0]
    labels = nested_dbscan(graph, radii).labels
    assert torch.equal(nested_dbscan(kept, radii).labels, labels)
    for level, size in zip(labels, sizes, strict=True):
        summary = summarize_partition(level)
        assert 1 < summary.mean_size <= size
        assert summary.largest <= share * graph.num_points


def test_auto_radii_are_nearly_the_largest():
    points = blobs([6] * 60 + [1] * 40, 0.12, dim=32)
    graph = EuclideanGraph(points)
    (radius,), _ = choose_radii(graph, [2.0], 1.0)
    means = [
        summarize_partition(nested_dbscan(graph, [radius * scale]).labels[0]).mean_size
        for scale in (1.0, 1.1)
    ]
    assert means[0] <= 2.0 < means[1]


def test_percolation_warns_and_names_the_remedy():
    points = blobs([60, 5], 0.02)
    with pytest.warns(PercolationWarning, match='eps=0.35.*largest cluster.*metric="jaccard"'):
        nested_dbscan(EuclideanGraph(points), [0.35], max_share=0.5)
    with pytest.warns(PercolationWarning, match='try a smaller eps or eps="auto"$'):
        nested_dbscan(JaccardGraph(points), [0.9], max_share=0.5)
    with pytest.warns(PercolationWarning, match='try to remove copies of images'):
        DBSCANSource(metric='jaccard')(points[:1].expand(60, -1))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(eps=[0.7, 0.6]), 'ascending'),
        (dict(eps=[]), 'ascending'),
        (dict(eps=[0.0, 0.6]), 'above 0'),
        (dict(eps=[0.5], metric='cosine'), "metric='cosine'"),
        (dict(eps='automatic'), "eps='automatic'"),
    ],
)
def test_wrong_settings_are_named_before_work_starts(settings, message):
    with pytest.raises(ValueError, match=message):
        DBSCANSource(**settings)


def test_wrong_arguments_are_named():
    graph = EuclideanGraph(blobs([5, 5], 0.1))
    with pytest.raises(ValueError, match='ascending'):
        nested_dbscan(graph, [0.7, 0.6])
    with pytest.raises(ValueError, match='ascend'):
        choose_radii(graph, [3.0, 2.0], 1.0)
    with pytest.raises(ValueError, match='below 1'):
        nested_dbscan(JaccardGraph(blobs([5, 5], 0.1)), [1.0])


def test_source_gives_a_row_a_level():
    labels = DBSCANSource(eps=[0.35, 0.6], max_share=0.2)(blobs([5] * 30, 0.05))
    assert labels.shape == (2, 150)
