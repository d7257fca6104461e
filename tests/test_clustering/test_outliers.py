"""Outliers: how near the neighbours are, and where an image first has company."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmrcl.clustering import company_level, neighbor_similarity

from .cases import blobs, random_hierarchy


@given(st.integers(2, 40), st.integers(1, 12), st.integers(0, 99))
def test_similarity_is_the_mean_cosine_of_the_nearest_others(num, k, seed):
    features = blobs([1] * num, 1.0, seed=seed)
    cosine = (features @ features.T).fill_diagonal_(-2)
    expected = cosine.sort(descending=True).values[:, : min(k, num - 1)].mean(1)
    torch.testing.assert_close(neighbor_similarity(5 * features, k), expected)


def test_blocks_of_queries_change_nothing(monkeypatch):
    features = blobs([4] * 10, 0.3)
    whole = neighbor_similarity(features, 3)
    monkeypatch.setattr('mmrcl.clustering.outliers._QUERIES', 7)
    asked = []
    found = neighbor_similarity(features, 3, lambda items, what: asked.append(what) or items)
    torch.testing.assert_close(found, whole)
    assert asked == ['Finding neighbours']


def test_the_image_without_near_neighbors_is_the_outlier():
    features = blobs([20, 20, 1], 0.02, seed=3)
    assert int(neighbor_similarity(features, 5).argmin()) == 40


def test_copies_fewer_than_k_are_outliers_still():
    features = blobs([20, 20, 1], 0.02, seed=3)
    features = torch.cat([features, features[-1:]])
    assert set(neighbor_similarity(features, 5).argsort()[:2].tolist()) == {40, 41}


@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 99))
def test_company_level_is_the_first_with_another_image(num, levels, seed):
    hierarchy = random_hierarchy(num, levels, 2, seed)
    found = company_level(hierarchy.labels)
    for image, level in enumerate(found.tolist()):
        shared = [
            int((hierarchy.level_labels(each) == hierarchy.level_labels(each)[image]).sum()) > 1
            for each in range(1, levels + 1)
        ]
        assert level == (shared.index(True) + 1 if any(shared) else levels + 1)


def test_says_what_has_no_neighbors():
    with pytest.raises(ValueError, match='features have one row: an outlier needs others'):
        neighbor_similarity(torch.ones(1, 3))
    with pytest.raises(ValueError, match='k=0 must be at least 1'):
        neighbor_similarity(torch.ones(3, 3), k=0)
