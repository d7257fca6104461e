"""Counts of query-key pairs, by what the criteria and the model say of them (Sect. 4.2)."""

import torch
from torch import Tensor, nn

from mmrcl.models import PairDynamics

__all__ = ['PairTally']

BINS = 48
LOWEST_EXPONENT = -6


class PairTally(nn.Module):
    """Distributions of ``P(z'|q_i)`` and eta' for each P_c, added up over many batches.

    Row k = 0..H is of the pairs that k of the H criteria judge positive, so P_c = k / H. Only
    sums are kept, on the device of the pairs: no call waits for a GPU.

    Args:
        criteria: H, their number.

    Attributes:
        probability_edges: Of the bins of ``P(z'|q_i)``, (B + 1,); smaller values go to the first.
        eta_edges: Of the bins of eta', (B + 1,), from -H to H with 0 in the middle.
        probabilities: ``P(z'|q_i)`` of all criteria counted, (H + 1, B).
        etas: eta' counted, (H + 1, B).
        sums: Sum over pairs of their mean ``P(z'|q_i)``, (H + 1,).
    """

    probability_edges: Tensor
    eta_edges: Tensor
    probabilities: Tensor
    etas: Tensor
    sums: Tensor

    def __init__(self, criteria: int) -> None:
        super().__init__()
        exponents = torch.linspace(LOWEST_EXPONENT, 0, BINS + 1, dtype=torch.float64)
        # From integers, so that the edge in the middle is 0 and not almost 0.
        steps = torch.arange(-BINS // 2, BINS // 2 + 1, dtype=torch.float64)
        self.register_buffer('probability_edges', 10**exponents, persistent=False)
        self.register_buffer('eta_edges', steps * 2 * criteria / BINS, persistent=False)
        self.register_buffer('probabilities', torch.zeros(criteria + 1, BINS, dtype=torch.long))
        self.register_buffer('etas', torch.zeros(criteria + 1, BINS, dtype=torch.long))
        self.register_buffer('sums', torch.zeros(criteria + 1, dtype=torch.float64))

    def add(self, found: PairDynamics) -> None:
        """Count the pairs of a batch."""
        row = found.positive_mask.sum(0).flatten()
        probability = found.probability.flatten(1).double()
        rows = row.expand(probability.shape)
        _count(self.probabilities, rows, probability, self.probability_edges)
        _count(self.etas, row, found.eta.flatten().double(), self.eta_edges)
        self.sums.index_add_(0, row, probability.mean(0))

    def clear(self) -> None:
        """Forget all pairs."""
        for counts in (self.probabilities, self.etas, self.sums):
            counts.zero_()

    @property
    def pairs(self) -> Tensor:
        """Pairs of each row, (H + 1,)."""
        return self.etas.sum(1)

    @property
    def attracted(self) -> Tensor:
        """Pairs of each row with eta' < 0, (H + 1,)."""
        return self.etas[:, : BINS // 2].sum(1)


def _count(counts: Tensor, rows: Tensor, values: Tensor, edges: Tensor) -> None:
    """Add one for each value to its row, in the bin [low, high) that holds it."""
    place = (rows * counts.shape[1] + torch.bucketize(values, edges[1:-1], right=True)).flatten()
    counts.view(-1).scatter_add_(0, place, torch.ones_like(place))
