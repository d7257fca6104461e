import torch
from hypothesis import given
from hypothesis import strategies as st

from mmrcl.evaluation import PairTally
from mmrcl.models.losses import PairDynamics


def batch(seed: int, criteria: int, queries: int, keys: int) -> PairDynamics:
    generator = torch.Generator().manual_seed(seed)
    exponent = -8 * torch.rand(criteria, queries, keys, generator=generator)
    mask = torch.rand(criteria, queries, keys, generator=generator) < 0.5
    return PairDynamics(10**exponent, mask)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_counts_equal_a_literal_count(seed, criteria):
    tally = PairTally(criteria)
    batches = [batch(seed, criteria, 3, 2), batch(seed + 1, criteria, 5, 1)]
    for pairs in batches:
        tally.add(pairs)
    expected = {name: torch.zeros_like(value) for name, value in tally.named_buffers()}
    attracted = torch.zeros(criteria + 1, dtype=torch.long)
    for pairs in batches:
        for n in range(pairs.positive_mask.shape[1]):
            for r in range(pairs.positive_mask.shape[2]):
                row = int(pairs.positive_mask[:, n, r].sum())
                for value in pairs.probability[:, n, r].tolist():
                    bins = [value >= edge for edge in tally.probability_edges.tolist()]
                    expected['probabilities'][row, max(sum(bins) - 1, 0)] += 1
                eta = float(pairs.eta[n, r])
                bins = [eta >= edge for edge in tally.eta_edges.tolist()]
                expected['etas'][row, sum(bins) - 1] += 1
                expected['sums'][row] += pairs.probability[:, n, r].double().mean()
                attracted[row] += eta < 0
    assert torch.equal(tally.probabilities, expected['probabilities'])
    assert torch.equal(tally.etas, expected['etas'])
    assert torch.allclose(tally.sums, expected['sums'])
    assert torch.equal(tally.attracted, attracted)
    assert int(tally.pairs.sum()) == 3 * 2 + 5


def test_a_certain_pair_is_neither_attracted_nor_lost():
    tally = PairTally(2)
    tally.add(PairDynamics(torch.ones(2, 1, 1), torch.ones(2, 1, 1, dtype=torch.bool)))
    assert tally.pairs.tolist() == [0, 0, 1]
    assert tally.attracted.tolist() == [0, 0, 0]
    assert int(tally.probabilities[2, -1]) == 2


def test_state_goes_through_a_checkpoint_and_can_be_cleared():
    tally, other = PairTally(3), PairTally(3)
    tally.add(batch(0, 3, 4, 2))
    other.load_state_dict(tally.state_dict())
    assert torch.equal(other.etas, tally.etas) and torch.equal(other.sums, tally.sums)
    other.clear()
    assert int(other.pairs.sum()) == 0 and float(other.sums.sum()) == 0
    assert int(tally.pairs.sum()) == 8
