import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.models import SupportQueue
from mmrcl.models.retrievers.nearest import nearest_keys


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


@pytest.mark.parametrize('k', [1, 4, 12])
def test_nearest_keys_are_those_of_a_plain_search(k):
    queries, queue = unit(5, 6), SupportQueue(20, 6)
    queue.features = unit(20, 6, seed=1)
    filled = torch.rand(20, generator=torch.Generator().manual_seed(2)) < 0.6
    queue.indices[filled] = 7
    places = filled.nonzero().flatten().tolist()
    assert len(places) == 11
    for query, row in zip(queries, nearest_keys(queries, queue, k), strict=True):
        expected = sorted(places, key=lambda place: -float(query @ queue.features[place]))[:k]
        assert torch.equal(row[: len(expected)], queue.features[expected])
        assert torch.equal(row[len(expected) :], query.expand(k - len(expected), -1))


def test_the_query_stands_in_where_the_queue_has_too_few():
    queue, queries = SupportQueue(8, 6), unit(3, 6)
    assert torch.equal(nearest_keys(queries, queue, 2), queries[:, None].expand(-1, 2, -1))
    stored = unit(1, 6, seed=1)
    queue.enqueue(stored, torch.tensor([4]))
    keys = nearest_keys(queries, queue, 2)
    assert torch.equal(keys[:, 0], stored.expand(3, -1))
    assert torch.equal(keys[:, 1], queries)


def test_an_entry_of_the_own_image_may_be_the_nearest():
    queue, queries = SupportQueue(8, 6), unit(3, 6)
    queue.enqueue(queries, torch.arange(3))
    assert torch.equal(nearest_keys(queries, queue)[:, 0], queries)
