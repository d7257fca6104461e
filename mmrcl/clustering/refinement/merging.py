"""Merging of clusters of one parent (Sect. 4.3, Fig. 4)."""

from collections.abc import Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..graphs import Components
from ..segments import (
    BlockSizes,
    Groups,
    SizeBatch,
    group_rows,
    padded_rows,
    size_batches,
    true_pairs,
    true_places,
)
from .label_propagation import isolated_pair_score, propagation_kernel, propagation_score
from .units import Units

Similarity = Literal['average', 'centers', 'propagation']


def merge_clusters(
    clusters: Units,
    parents: Tensor | None,
    touched: Tensor,
    threshold: float,
    similarity: Similarity,
    max_family: int,
    max_candidates: int,
    alpha: float,
) -> Tensor:
    """Join similar clusters of one parent if at least one of the two is touched.

    Args:
        clusters: c of them.
        parents: label of the parent of each, shape (c,); None for the virtual root, which is the
            parent of all and counts as a larger family.
        touched: whether each contains an image of the batch, shape (c,).
        threshold: cosine above which two are joined.
        similarity: see ``HierarchyRefiner``, also for the arguments below.
        max_family: parents of at most so many clusters compare all of them; larger ones compare
            only the touched clusters.
        max_candidates: in a larger family, a cluster may join only so many nearest ones.
        alpha: alpha of label propagation.

    Returns:
        For each cluster the first cluster that it is joined with, shape (c,).
    """
    centers = clusters.table[clusters.rows]
    if similarity == 'average':
        centers = centers / clusters.sizes[:, None]
    else:
        centers = normalize(centers, dim=1)
    joined = Components(torch.arange(len(touched), device=touched.device))
    candidates, family = touched.nonzero()[:, 0], None
    if parents is not None:
        siblings = group_rows(parents)
        small = siblings.counts <= max_family
        live = torch.zeros_like(siblings.counts).index_add_(0, siblings.inverse, touched.long()) > 0
        counts = siblings.counts.masked_fill(~(small & live), 0)
        propagated = alpha if similarity == 'propagation' else None
        families = size_batches(counts, 2, max_family, centers.shape[1])
        for pairs in _sibling_pairs(centers, siblings, families, touched, threshold, propagated):
            joined.add(*pairs)
        candidates = (touched & ~small[siblings.inverse]).nonzero()[:, 0]
        family = siblings.inverse[candidates]
    for rows, cols in _near_pairs(centers[candidates], family, threshold, max_candidates):
        joined.add(candidates[rows], candidates[cols])
    return joined.join()


def _sibling_pairs(
    centers: Tensor,
    siblings: Groups,
    families: Iterable[SizeBatch],
    touched: Tensor,
    threshold: float,
    alpha: float | None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs to join among all clusters of each of the ``families``."""
    least = threshold
    if alpha is not None:
        least = float(isolated_pair_score(torch.tensor(threshold, dtype=torch.float64), alpha))
    for batch in families:
        rows = padded_rows(siblings, batch.chosen, batch.width)
        valid = rows >= 0
        points = centers[rows.clamp(min=0)]
        score = points @ points.transpose(1, 2)
        if alpha is not None:
            score = propagation_score(propagation_kernel(score, valid, alpha))
        near = score > least
        near &= valid[:, :, None] & valid[:, None, :]
        near &= touched[rows][:, :, None] | touched[rows][:, None, :]
        first, second = true_pairs(near)
        yield rows.flatten()[first], rows.flatten()[second]


def _near_pairs(
    centers: Tensor, family: Tensor | None, threshold: float, max_candidates: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs of one family above the threshold: each row with its nearest ones.

    Without a ``family`` all are of one.
    """
    num = len(centers)
    height = max(1, BlockSizes.of(centers.device).products // max(num, 1))
    products = centers.new_empty(min(height, num), num)
    above = torch.empty_like(products, dtype=torch.bool)
    for begin in range(0, num, height):
        part = slice(begin, min(begin + height, num))
        lines = slice(part.stop - begin)
        cosine = torch.mm(centers[part], centers.T, out=products[lines])
        cosine.diagonal(begin).fill_(-torch.inf)
        near = torch.gt(cosine, threshold, out=above[lines])
        related = None if family is None else family[part, None] == family
        if related is not None:
            near &= related
        crowd, rows, cols = _crowded_and_other(near, max_candidates)
        yield rows + begin, cols
        if len(crowd):
            closest = cosine[crowd]
            if related is not None:
                closest.masked_fill_(~related[crowd], -torch.inf)
            cols = closest.topk(max_candidates).indices
            yield (crowd + begin).repeat_interleave(max_candidates), cols.flatten()


def _crowded_and_other(near: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """Find the rows with more than ``most`` true elements, and list those of the other rows.

    Args:
        near: shape (m, n), changed in place.
        most: see above.

    Returns:
        The crowded rows, then row and column of each element of the others.
    """
    if BlockSizes.of(near.device).listed:
        rows, cols = true_places(near)
        crowded = torch.bincount(rows, minlength=len(near)) > most
        calm = ~crowded[rows]
        return crowded.nonzero()[:, 0], rows[calm], cols[calm]
    crowd = (near.sum(1) > most).nonzero()[:, 0]
    return crowd, *true_places(near.index_fill_(0, crowd, False))
