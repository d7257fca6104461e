import sys

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch.utils._python_dispatch import TorchDispatchMode

from mmrcl.clustering import (
    ClassSource,
    HierarchicalKMeansSource,
    KMeansSource,
    LabelHierarchy,
    canonical_labels,
    kmeans,
)
from mmrcl.clustering.segments import group_rows, segment_mean

from .cases import blobs

needs_kmeans = pytest.mark.skipif(
    sys.version_info < (3, 11), reason='pt_kmeans needs Python 3.11 or newer'
)


class LargestTensor(TorchDispatchMode):
    """Elements of the largest tensor that any operation returns meanwhile."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.elements = max(self.elements, out.numel())
        return out


@needs_kmeans
@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('max_distances', [1, 2**20])
def test_kmeans_equals_sklearn_from_the_same_centers(seed, max_distances):
    points = blobs([40, 30, 20, 50], 0.25, dim=6, seed=seed)
    start = points[[0, 50, 75, 100]]
    reference = KMeans(4, init=start.numpy(), n_init=1, max_iter=100, tol=0).fit(points.numpy())
    labels = kmeans(points, 4, max_iters=100, centers=start, max_distances=max_distances)
    np.testing.assert_array_equal(labels.numpy(), reference.labels_)


@needs_kmeans
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('seed', range(10))
def test_every_kmeans_label_is_the_nearest_centroid(seed, dtype):
    points = blobs([9] * 20, 0.4, seed=seed, dtype=dtype)
    labels = kmeans(points, 15, seed, max_iters=100)
    groups = group_rows(labels)
    distances = torch.cdist(points, segment_mean(points, groups))
    assert torch.equal(distances.argmin(1), groups.inverse)
    assert len(groups.ids) == 15


@needs_kmeans
def test_kmeans_starts_at_points_drawn_from_the_seed():
    points = blobs([10] * 8, 0.4)
    order = torch.randperm(80, generator=torch.Generator().manual_seed(3))
    assert torch.equal(kmeans(points, 8, seed=3), kmeans(points, 8, centers=points[order[:8]]))
    assert not torch.equal(kmeans(points, 8, seed=3), kmeans(points, 8, seed=4))


@needs_kmeans
def test_kmeans_depends_on_its_seed_alone():
    # Points that coincide leave centres without points, which move to points drawn at random.
    points = blobs([1] * 20, 0.4).repeat(5, 1)
    torch.manual_seed(1)
    labels = kmeans(points, 30, seed=1, max_iters=1)
    torch.manual_seed(2)
    assert torch.equal(labels, kmeans(points, 30, seed=1, max_iters=1))
    assert not torch.equal(labels, kmeans(points, 30, seed=2, max_iters=1))


@needs_kmeans
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_kmeans_with_as_many_centers_as_points(dtype):
    points = blobs([1] * 12, 0.3, dtype=dtype)
    assert len(kmeans(points, 12).unique()) == 12
    for num in (0, 13):
        with pytest.raises(ValueError, match=f'num_clusters={num} .* 12'):
            kmeans(points, num)


@needs_kmeans
def test_kmeans_of_equal_points_ends():
    assert kmeans(torch.ones(9, 3), 4).unique().tolist() == [0]


@needs_kmeans
def test_kmeans_takes_half_precision_and_gives_labels_that_can_be_changed():
    points = blobs([1] * 4000, 0.5, dim=16).half()
    labels = kmeans(points, 300)
    assert torch.equal(labels, kmeans(points.float(), 300))
    labels += 1


@needs_kmeans
def test_kmeans_bounds_the_distances_in_memory():
    points = blobs([1] * 2000, 0.3, dim=4)
    with LargestTensor() as largest:
        kmeans(points, 500, max_iters=2, max_distances=10_000)
    assert largest.elements <= 10_000


@needs_kmeans
def test_kmeans_source():
    points = blobs([10] * 6, 0.1)
    source = KMeansSource([12, 6])
    labels = source(points)
    assert labels.shape == (2, 60)
    assert [len(level.unique()) for level in labels] == [12, 6]
    assert torch.equal(labels[1], kmeans(points, 6))
    assert not source.nested


@needs_kmeans
def test_levels_of_one_number_of_clusters_differ_by_their_seeds():
    points = blobs([1] * 60, 0.3)
    labels = KMeansSource([9, 9, 9], seed=[4, 5, 4])(points)
    assert torch.equal(labels[1], kmeans(points, 9, seed=5))
    assert torch.equal(labels[0], labels[2])
    assert not torch.equal(labels[0], labels[1])
    with pytest.raises(ValueError, match=r'seed=\[4, 5\] of KMeansSource must be one seed, or one'):
        KMeansSource([9, 9, 9], seed=[4, 5])


@needs_kmeans
@pytest.mark.parametrize('seed', range(20))
def test_hierarchical_kmeans_nests_and_keeps_its_counts(seed):
    points = blobs([3] * 40, 0.3, seed=seed, dtype=torch.float32)
    labels = HierarchicalKMeansSource([50, 20, 5], seed=seed)(points)
    assert [len(level.unique()) for level in labels] == [50, 20, 5]
    assert torch.equal(labels[0], kmeans(points, 50, seed))
    LabelHierarchy(4, 8, 120).set_labels(labels, nested=HierarchicalKMeansSource.nested)


@needs_kmeans
def test_hierarchical_kmeans_clusters_the_centroids_of_the_level_below():
    points = blobs([3] * 40, 0.3)
    fine, coarse = HierarchicalKMeansSource([50, 20])(points)
    groups = group_rows(fine)
    assert torch.equal(coarse, kmeans(segment_mean(points, groups), 20)[groups.inverse])


@needs_kmeans
def test_hierarchical_kmeans_of_equal_points_has_fewer_clusters():
    points = torch.ones(9, 3)
    assert HierarchicalKMeansSource([4, 2])(points).unique().tolist() == [0]


@needs_kmeans
@pytest.mark.parametrize('source', [KMeansSource, HierarchicalKMeansSource])
def test_kmeans_sources_refuse_wrong_counts(source):
    with pytest.raises(ValueError, match='descend'):
        source([6, 12])
    with pytest.raises(ValueError, match='num_clusters=61'):
        source([61, 6])(blobs([10] * 6, 0.1))


@pytest.mark.parametrize('source', [KMeansSource, HierarchicalKMeansSource])
def test_kmeans_sources_without_the_library_say_what_to_install(source, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pt_kmeans', None)
    with pytest.raises(ImportError, match='pip install'):
        source([6, 3])


def test_class_source():
    classes = torch.tensor([3, 3, 1, 1, 0])
    labels = ClassSource(3)(torch.zeros(5, 2), classes)
    assert torch.equal(canonical_labels(labels[1]), torch.tensor([0, 0, 2, 2, 4]))
    with pytest.raises(ValueError, match='gt_label'):
        ClassSource(3)(torch.zeros(5, 2), None)


def test_class_source_chooses_columns_of_a_hierarchy():
    columns = torch.tensor([[3, 3, 1, 1, 0], [7, 7, 7, 7, 2], [5, 5, 5, 5, 5]])
    points = torch.zeros(5, 2)
    assert torch.equal(ClassSource(4)(points, columns), columns)
    assert torch.equal(ClassSource(2)(points, columns), columns[:1])
    assert torch.equal(ClassSource(5)(points, columns), columns[[0, 1, 2, 2]])
    assert torch.equal(ClassSource(columns=[0, 2])(points, columns), columns[[0, 2]])
    assert torch.equal(ClassSource(columns=[1, 1])(points, columns), columns[[1, 1]])
    with pytest.raises(ValueError, match=r'columns=\[0, 3\] do not exist, for the classes have 3'):
        ClassSource(columns=[0, 3])(points, columns)


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (dict(), 'set num_levels, or columns'),
        (dict(num_levels=3, columns=[0, 0]), 'set num_levels, or columns'),
        (dict(columns=[1, 0]), r'columns=\[1, 0\] must ascend from 0'),
        (dict(columns=[-1, 0]), r'columns=\[-1, 0\] must ascend from 0'),
        (dict(columns=[]), r'columns=\[\] must .* be one per level'),
    ],
)
def test_class_source_refuses_other_columns(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        ClassSource(**arguments)
