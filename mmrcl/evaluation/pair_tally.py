"""Histograms of query-key pairs by the number of criteria that label them positive (Sect. 4.2)."""

import torch
from torch import Tensor, nn

from mmrcl.arguments import check_at_least
from mmrcl.models import PairDynamics

__all__ = ['PairTally']

BINS = 48
LOWEST_EXPONENT = -6


class PairTally(nn.Module):
    """Histograms of ``P(z'|q_i)`` and eta' for each P_c, accumulated over batches.

    Row k = 0..H holds the pairs that k of the H criteria label positive, so P_c = k / H. Only sums
    are kept, on the device of the pairs, so no call synchronises with a GPU.

    Args:
        criteria: H, the number of criteria.

    Attributes:
        probability_edges: Edges of the bins of ``P(z'|q_i)``, (B + 1,); smaller values are counted
            in the first bin.
        eta_edges: Edges of the bins of eta', (B + 1,), from -H to H with 0 in the middle.
        probabilities: Histogram of ``P(z'|q_i)``, all criteria together, (H + 1, B).
        etas: Histogram of eta', (H + 1, B).
        sums: Sum over pairs of their mean ``P(z'|q_i)``, (H + 1,).
    """

    probability_edges: Tensor
    eta_edges: Tensor
    probabilities: Tensor
    etas: Tensor
    sums: Tensor

    def __init__(self, criteria: int) -> None:
        check_at_least(criteria, 'criteria', 1)
        super().__init__()
        exponents = torch.linspace(LOWEST_EXPONENT, 0, BINS + 1, dtype=torch.float64)
        # From integers, so that the edge in the middle is exactly 0.
        steps = torch.arange(-BINS // 2, BINS // 2 + 1, dtype=torch.float64)
        self.register_buffer('probability_edges', 10**exponents, persistent=False)
        self.register_buffer('eta_edges', steps * 2 * criteria / BINS, persistent=False)
        self.register_buffer('probabilities', torch.zeros(criteria + 1, BINS, dtype=torch.long))
        self.register_buffer('etas', torch.zeros(criteria + 1, BINS, dtype=torch.long))
        self.register_buffer('sums', torch.zeros(criteria + 1, dtype=torch.float64))

    def add(self, found: PairDynamics) -> None:
        """Add the pairs of a batch."""
        row = found.positive_mask.sum(0).flatten()
        probability = found.probability.flatten(1).double()
        rows = row.expand(probability.shape)
        _count(self.probabilities, rows, probability, self.probability_edges)
        _count(self.etas, row, found.eta.flatten().double(), self.eta_edges)
        self.sums.index_add_(0, row, probability.mean(0))

    def clear(self) -> None:
        """Set all counts to zero."""
        for counts in (self.probabilities, self.etas, self.sums):
            counts.zero_()

    @property
    def pairs(self) -> Tensor:
        """Number of pairs of each row, (H + 1,)."""
        return self.etas.sum(1)

    @property
    def attracted(self) -> Tensor:
        """Number of pairs of each row with eta' < 0, (H + 1,)."""
        return self.etas[:, : BINS // 2].sum(1)


def _count(counts: Tensor, rows: Tensor, values: Tensor, edges: Tensor) -> None:
    """Count each value in its row and its bin [low, high)."""
    place = (rows * counts.shape[1] + torch.bucketize(values, edges[1:-1], right=True)).flatten()
    counts.view(-1).scatter_add_(0, place, torch.ones_like(place))
