"""Near-duplicates, and the images that stand for their groups."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import normalize

from mmrcl.clustering import cosine_to_mean, near_duplicates, paired_cosines, representatives

from .cases import blobs


def literal_groups(cosine: torch.Tensor, threshold: float) -> list[int]:
    """The smallest image that a chain of near pairs reaches, by a search from each image."""
    found = []
    for image in range(len(cosine)):
        reached, waiting = {image}, [image]
        while waiting:
            near = set((cosine[waiting.pop()] >= threshold).nonzero()[:, 0].tolist()) - reached
            reached |= near
            waiting += near
        found.append(min(reached))
    return found


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=8),
    st.sampled_from([0.01, 0.1, 0.3]),
    st.sampled_from([-0.5, 0.0, 0.5, 0.9, 0.999]),
    st.integers(0, 99),
)
def test_groups_are_those_of_a_search_over_all_pairs(sizes, spread, threshold, seed):
    features = blobs(sizes, spread, dim=5, seed=seed)
    expected = literal_groups(features @ features.T, threshold)
    assert near_duplicates(features, threshold).tolist() == expected
    assert near_duplicates(3 * features.numpy(), threshold).tolist() == expected


@pytest.mark.parametrize('dtype', [torch.float16, torch.float32])
def test_copies_are_found_in_any_precision(dtype):
    features = blobs([1] * 50, 1.0, dim=64, dtype=torch.float32).to(dtype).repeat(2, 1)
    expected = torch.arange(50).repeat(2)
    assert torch.equal(near_duplicates(features, 0.9999), expected)


def test_a_chain_is_one_group():
    angles = torch.tensor([0.0, 0.1, 0.2, 0.5], dtype=torch.float64)
    features = torch.stack([angles.cos(), angles.sin()], 1)
    assert near_duplicates(features, 0.99).tolist() == [0, 0, 0, 3]
    assert representatives(features, torch.tensor([7, 7, 7, 2])).tolist() == [1, 1, 1, 3]


@given(st.integers(1, 30), st.integers(0, 99))
def test_representatives_are_nearest_to_the_mean(num, seed):
    features = blobs([1] * num, 1.0, dim=4, seed=seed)
    labels = torch.randint(5, (num,), generator=torch.Generator().manual_seed(seed))
    cosines = cosine_to_mean(features, labels)
    for label in labels.unique():
        inside = (labels == label).nonzero()[:, 0]
        cosine = features[inside] @ normalize(features[inside].mean(0), dim=0)
        torch.testing.assert_close(cosines[inside], cosine)
        first = int(inside[cosine >= cosine.max() - 1e-6][0])
        assert set(representatives(features, labels)[inside].tolist()) == {first}


def test_the_first_of_copies_and_of_a_pair_stands_for_them():
    features = normalize(torch.randn(7, 33), dim=1)[torch.tensor([3, 5, 3, 3, 5])]
    labels = torch.tensor([1, 0, 1, 1, 0])
    assert representatives(features, labels).tolist() == [0, 1, 0, 0, 1]
    pairs = normalize(torch.randn(200, 16), dim=1)
    first = torch.arange(0, 200, 2).repeat_interleave(2)
    assert torch.equal(representatives(pairs, first), first)


def test_pairs_are_compared_part_by_part(monkeypatch):
    monkeypatch.setattr('mmrcl.clustering.typical._ROWS', 3)
    features = blobs([1] * 10, 1.0)
    places = torch.randint(10, (10,))
    expected = (features @ features.T).gather(1, places[:, None])[:, 0]
    torch.testing.assert_close(paired_cosines(features, features, places), expected)


@pytest.mark.parametrize('threshold', [-1.0, 1.0, 2.0, float('nan')])
def test_names_a_threshold_that_is_no_cosine_below_one(threshold):
    with pytest.raises(ValueError, match=f'threshold={threshold} must be above -1 and below 1'):
        near_duplicates(blobs([3], 0.1), threshold)
