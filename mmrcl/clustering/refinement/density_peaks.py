"""Density peaks (Rodriguez and Laio, Science 2014) for many small clusters at once (Sect. 4.3)."""

import torch
from torch import Tensor

from ..copies import SAME


def density_peaks(cosine: Tensor, valid: Tensor, max_peaks: int, quantile: float = 0.2) -> Tensor:
    """Select the most dissimilar units of each group as prototypes.

    The density rho of a unit is a Gaussian kernel summed over its group, as wide as the
    ``quantile`` of the group's pairwise distances, and at least ``SAME``. delta is the distance to
    the nearest denser unit, or the largest distance for the densest one. The units of largest
    gamma = rho * delta are selected if delta exceeds the kernel's width: a unit with a denser one
    closer than that is no peak. Ties are broken by index. Distances are Euclidean, between unit
    vectors.

    Args:
        cosine: cosines of the units of each group, shape (G, n, n).
        valid: which of the n places hold a unit, shape (G, n).
        max_peaks: maximum number of prototypes per group; a group gets at least one, and at most
            one fewer than it has units.
        quantile: quantile of the pairwise distances, in (0, 1).

    Returns:
        Places of the prototypes, largest gamma first, padded with -1, shape (G, max_peaks).
    """
    groups, size = valid.shape
    pair = valid[:, :, None] & valid[:, None, :]
    distance = (2 - 2 * cosine).clamp(min=0).sqrt()
    width = _pairwise_quantile(distance, pair, quantile)
    kernel = (distance / width[:, None, None]).square_().neg_().exp_()
    rho = kernel.mul_(pair).sum(2)
    place = torch.arange(size, device=valid.device)
    denser = (rho[:, None, :] > rho[:, :, None]) | (
        (rho[:, None, :] == rho[:, :, None]) & (place < place[:, None])
    )
    nearest = distance.masked_fill(~(denser & pair), torch.inf).amin(2)
    farthest = (distance * pair).amax(2)
    densest = nearest.isinf()
    delta = torch.where(densest, farthest, nearest)
    stands_out = valid & (densest | (delta > width[:, None]))
    gamma = (rho * delta).masked_fill_(~stands_out, -1)
    value, order = gamma.sort(dim=1, descending=True, stable=True)
    allowed = (valid.sum(1) - 1).clamp(min=1, max=max_peaks)
    peaks = order.masked_fill_((value < 0) | (place >= allowed[:, None]), -1)[:, :max_peaks]
    padding = peaks.new_full((groups, max(0, max_peaks - size)), -1)
    return torch.cat([peaks, padding], 1)


def _pairwise_quantile(distance: Tensor, pair: Tensor, quantile: float) -> Tensor:
    """Compute the quantile of each group's distances above the diagonal, shape (G,)."""
    upper = pair.triu(1).flatten(1)
    ordered = distance.flatten(1).masked_fill(~upper, torch.inf).sort(dim=1).values
    last = (upper.sum(1) - 1).clamp(min=0)
    value = ordered.gather(1, (last * quantile).long()[:, None])[:, 0]
    return value.nan_to_num(0, posinf=0).clamp(min=SAME)
