import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from mmrcl.clustering import ClassSource, KMeansSource, canonical_labels, kmeans, nearest_neighbors

from .cases import blobs


@pytest.mark.parametrize('seed', range(5))
def test_kmeans_equals_sklearn_from_the_same_centers(seed):
    points = blobs([40, 30, 20, 50], 0.25, dim=6, seed=seed)
    start = points[[0, 50, 75, 100]]
    reference = KMeans(4, init=start.numpy(), n_init=1, max_iter=100, tol=0).fit(points.numpy())
    labels = kmeans(points, 4, max_iters=100, centers=start, block_size=16)
    np.testing.assert_array_equal(labels.numpy(), reference.labels_)


def test_kmeans_depends_on_its_seed_alone():
    points = blobs([10] * 8, 0.4)
    assert torch.equal(kmeans(points, 8, seed=1), kmeans(points, 8, seed=1))
    assert not torch.equal(kmeans(points, 8, seed=1), kmeans(points, 8, seed=2))


def test_kmeans_with_as_many_centers_as_points():
    points = blobs([1] * 12, 0.3)
    assert len(kmeans(points, 12).unique()) == 12
    with pytest.raises(ValueError, match='num_clusters=13'):
        kmeans(points, 13)


def test_kmeans_source():
    points = blobs([10] * 6, 0.1)
    labels = KMeansSource([12, 6])(points)
    assert labels.shape == (2, 60)
    assert [len(level.unique()) for level in labels] == [12, 6]
    with pytest.raises(ValueError, match='descend'):
        KMeansSource([6, 12])


def test_class_source():
    classes = torch.tensor([3, 3, 1, 1, 0])
    labels = ClassSource(3)(torch.zeros(5, 2), classes)
    assert torch.equal(canonical_labels(labels[1]), torch.tensor([0, 0, 2, 2, 4]))
    with pytest.raises(ValueError, match='gt_label'):
        ClassSource(3)(torch.zeros(5, 2), None)


@pytest.mark.parametrize('block', [1, 3, 64])
def test_nearest_neighbors_equal_a_full_sort(block):
    queries, points = blobs([1] * 11, 0.5, seed=1), blobs([1] * 53, 0.5, seed=2)
    value, index = nearest_neighbors(queries, points, 5, block)
    expected = (queries @ points.T).sort(dim=1, descending=True)
    assert torch.allclose(value, expected.values[:, :5])
    assert torch.equal(index, expected.indices[:, :5])
