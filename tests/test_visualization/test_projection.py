"""Places of images in a plane."""

import numpy as np
import pytest
import torch

from mmrcl.visualization import projection
from mmrcl.visualization.projection import project


def blobs(seed: int, count: int, width: int = 6):
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 3
    centers = 4 * torch.eye(3, width)[classes]
    return centers + 0.3 * torch.randn(count, width, generator=generator), classes.numpy()


@pytest.mark.parametrize('limit', [5_000, 10])
def test_groups_stay_apart_by_either_method(monkeypatch, limit):
    monkeypatch.setattr(projection, 'TSNE_IMAGES', limit)
    features, classes = blobs(0, 60)
    found = project(features)
    assert found.method.startswith('Placed by t-SNE' if limit > 60 else 'Placed by PCA')
    distance = np.linalg.norm(found.points[:, None] - found.points, axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (classes[distance.argmin(1)] == classes).mean() > 0.95
    assert np.array_equal(found.points, project(features).points)


@pytest.mark.parametrize('seed', range(5))
def test_pca_is_the_singular_value_decomposition(monkeypatch, seed):
    monkeypatch.setattr(projection, 'TSNE_IMAGES', 0)
    features = torch.randn(50, 7, generator=torch.Generator().manual_seed(seed))
    points = project(features).points
    unit = torch.nn.functional.normalize(features.double(), dim=1).numpy()
    centered = unit - unit.mean(0)
    _, singular, right = np.linalg.svd(centered, full_matrices=False)
    literal = centered @ right[:2].T
    literal *= np.sign((literal * points).sum(0))
    np.testing.assert_allclose(points, literal, atol=1e-4)
    share = (singular[:2] ** 2).sum() / (singular**2).sum()
    assert f'{share:.0%} of it' in project(features).method


@pytest.mark.parametrize('shape', [(1, 4), (2, 4), (3, 1), (9, 1), (5, 2)])
def test_few_images_and_narrow_features_have_places(shape):
    points = project(torch.randn(shape, generator=torch.Generator().manual_seed(0))).points
    assert points.shape == (shape[0], 2) and np.isfinite(points).all()


def test_equal_features_lie_in_one_place():
    found = project(torch.ones(8, 3))
    assert not found.points.any() and found.method == 'All features are equal.'
