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
    first_true,
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
    pieces: Groups,
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
        pieces: their units grouped, those of touched clusters marked.
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
    touched = pieces.marked > 0
    joined = Components(torch.arange(len(touched), device=touched.device))
    alone, family, number = touched, None, int((pieces.host[1] > 0).sum())
    if parents is not None:
        siblings = group_rows(parents, touched)
        propagated = alpha if similarity == 'propagation' else None
        families = size_batches(siblings, 2, max_family, centers.shape[1], largest=max_family)
        for pairs in _sibling_pairs(centers, siblings, families, touched, threshold, propagated):
            joined.add(*pairs)
        family = siblings.inverse
        alone = touched & (siblings.counts > max_family)[family]
        counts, marked = siblings.host
        number = int(marked[counts > max_family].sum())
    candidates = first_true(alone, number)
    family = family if family is None else family[candidates]
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
    num, blocks = len(centers), BlockSizes.of(centers.device)
    height = max(1, blocks.products // max(num, 1))
    products = centers.new_empty(min(height, num), num)
    above = torch.empty_like(products, dtype=torch.bool)
    for begin in range(0, num, height):
        part = slice(begin, min(begin + height, num))
        lines = slice(part.stop - begin)
        cosine = torch.mm(centers[part], centers.T, out=products[lines])
        cosine.diagonal(begin).fill_(-torch.inf)
        near = torch.gt(cosine, threshold, out=above[lines])
        if family is not None:
            near &= family[part, None] == family
        if blocks.listed:
            rows, cols = true_places(near)
            crowded = torch.bincount(rows, minlength=len(near)) > max_candidates
            calm = ~crowded[rows]
            yield rows[calm] + begin, cols[calm]
            row = crowded.nonzero()[:, 0]
            if len(row):
                yield _nearest_pairs(row + begin, cosine[row], near[row], max_candidates)
        else:
            row = torch.arange(part.start, part.stop, device=centers.device)
            yield _nearest_pairs(row, cosine, near, max_candidates)


def _nearest_pairs(row: Tensor, cosine: Tensor, near: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Pair each row with its nearest columns, at most so many, or with itself where few are near.

    Args:
        row: number of each row, shape (m,).
        cosine: shape (m, n).
        near: which columns may be taken, shape (m, n).
        most: see above.
    """
    value, cols = cosine.masked_fill(~near, -torch.inf).topk(min(most, near.shape[1]), dim=1)
    rows = row[:, None].expand_as(cols)
    return rows.flatten(), torch.where(value > -torch.inf, cols, rows).flatten()
