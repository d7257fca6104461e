import pytest
import torch

from mmrcl.clustering import nearest_neighbors

from .cases import blobs


@pytest.mark.parametrize('block', [1, 3, 64])
def test_nearest_neighbors_equal_a_full_sort(block):
    queries, points = blobs([1] * 11, 0.5, seed=1), blobs([1] * 53, 0.5, seed=2)
    for k in (1, 5):
        value, index = nearest_neighbors(queries, points, k, (block, 2 * block))
        expected = (queries @ points.T).sort(dim=1, descending=True)
        assert torch.allclose(value, expected.values[:, :k])
        assert torch.equal(index, expected.indices[:, :k])


@pytest.mark.parametrize('tile', [(1, 3), (7, 5), (64, 64)])
def test_nearest_neighbors_of_masked_pairs_by_cosine(tile):
    queries, points = blobs([1] * 11, 0.5, seed=1).double(), 3 * blobs([1] * 53, 0.5, seed=2)
    allowed = torch.rand(11, 53, generator=torch.Generator().manual_seed(3)) < 0.3
    value, index = nearest_neighbors(
        queries, points, 3, tile, mask=lambda rows, columns: allowed[rows, columns], cosine=True
    )
    for n, query in enumerate(queries):
        unit = [point.double() / point.double().norm() for point in points]
        cosines = {i: float(query @ unit[i]) for i in range(53) if allowed[n, i]}
        best = sorted(cosines, key=cosines.get, reverse=True)[:3]
        assert index[n].tolist() == best
        assert value[n].tolist() == pytest.approx([cosines[i] for i in best], abs=1e-6)


@pytest.mark.parametrize('k', [1, 3])
@pytest.mark.parametrize('tile', [(1, 3), (7, 5), (64, 64)])
def test_an_excluded_feature_is_not_found(tile, k):
    queries, points = blobs([1] * 11, 0.5, seed=1), blobs([1] * 53, 0.5, seed=2)
    _, best = nearest_neighbors(queries, points, 1)
    for excluded in (best[:, 0], torch.randint(53, (11,), generator=torch.Generator())):
        value, index = nearest_neighbors(queries, points, k, tile, excluded=excluded)
        left = (queries @ points.T).scatter(1, excluded[:, None], -torch.inf)
        expected = left.sort(dim=1, descending=True)
        assert torch.allclose(value, expected.values[:, :k])
        assert torch.equal(index, expected.indices[:, :k])
