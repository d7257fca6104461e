"""Balanced subsets: shares by water filling at each level, exact and nested."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mmrcl.clustering import balanced_order

from .cases import random_hierarchy


def literal_shares(sizes: list[int], total: int) -> list[int]:
    """Hand out one after another, always to the smallest share of a cluster with room."""
    shares = [0] * len(sizes)
    for _ in range(total):
        room = [place for place, size in enumerate(sizes) if shares[place] < size]
        shares[min(room, key=lambda place: shares[place])] += 1
    return shares


def counts(labels: Tensor, inside: Tensor) -> list[int]:
    """The numbers of images of each cluster of ``labels`` among those ``inside``."""
    return torch.bincount(labels[inside], minlength=len(labels))[labels.unique()].tolist()


@st.composite
def hierarchies(draw):
    """Nested labels (L, N), fine to coarse."""
    num = draw(st.integers(1, 60))
    found = random_hierarchy(num, draw(st.integers(2, 5)), 2, draw(st.integers(0, 999)))
    return found.labels


@given(hierarchies(), st.data())
def test_clusters_get_equal_shares_as_far_as_they_have_images(labels, data):
    num = labels.shape[1]
    size = data.draw(st.integers(0, num))
    subset = torch.zeros(num, dtype=torch.bool)
    subset[balanced_order(labels, seed=data.draw(st.integers(0, 9)))[:size]] = True
    assert int(subset.sum()) == size
    levels = [torch.arange(num), *labels, torch.zeros(num, dtype=torch.long)]
    for below, above in zip(levels, levels[1:], strict=False):
        for parent in above.unique():
            inside = above == parent
            sizes, shares = (
                [n for n, whole in zip(found, counts(below, inside), strict=True) if whole]
                for found in (counts(below, inside), counts(below, inside & subset))
            )
            expected = literal_shares(sizes, sum(shares))
            assert sorted(shares) == sorted(expected)
            # Only clusters without images left have less than the others, but for the last one.
            assert all(
                share == size_ or share >= max(shares) - 1
                for size_, share in zip(sizes, shares, strict=True)
            )
            if sum(shares) >= len(sizes):
                assert min(shares) >= 1


@given(hierarchies(), st.integers(0, 9))
def test_the_order_holds_every_image_once_and_is_that_of_the_seed(labels, seed):
    order = balanced_order(labels, seed=seed)
    assert torch.equal(order.sort().values, torch.arange(labels.shape[1]))
    assert torch.equal(order, balanced_order(labels.numpy(), seed=seed))


def test_priority_decides_inside_the_finest_clusters():
    labels = torch.tensor([[0, 0, 0, 3, 3, 3], [0] * 6])
    priority = torch.tensor([0.3, 0.1, 0.2, 0.5, 0.5, 0.4])
    order = balanced_order(labels, priority)
    assert [sorted(order[start : start + 2].tolist()) for start in (0, 2, 4)] == [
        [1, 5],
        [2, 3],
        [0, 4],
    ]


def test_draws_are_uniform():
    """Which clusters have a share, and which image represents one, do not depend on the order."""
    labels = torch.arange(12)[None] // 3 * 3
    first = torch.stack([balanced_order(labels, seed=seed)[:2] for seed in range(3000)])
    share = torch.bincount(first.flatten(), minlength=12) / first.numel()
    assert share.sub(1 / 12).abs().max() < 4 * (1 / 12 / first.numel()) ** 0.5


def test_says_what_cannot_be_sampled():
    with pytest.raises(ValueError, match='level 3 splits clusters of the level below: sample'):
        balanced_order(torch.tensor([[0, 0, 1], [0, 1, 1]]))
    with pytest.raises(ValueError, match=r'priority of shape \(2,\) must be of shape \(3,\)'):
        balanced_order(torch.tensor([[0, 0, 1]]), torch.ones(2))
