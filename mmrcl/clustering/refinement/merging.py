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

# Products of the same vectors in blocks of other shapes differ by less.
_TIE = 1e-5

Similarity = Literal['average', 'centers', 'propagation']


def merge_clusters(
    clusters: Units,
    parents: Tensor | None,
    pieces: Groups,
    threshold: float,
    similarity: Similarity,
    mutual: bool,
    max_family: int,
    max_candidates: int,
    alpha: float,
) -> Tensor:
    """Join similar clusters of one parent if at least one of the two is touched.

    With ``mutual``, two clusters are joined if each is the most similar one of the other, so in
    pairs; for an untouched cluster only touched ones count. Otherwise all that are similar are
    joined, transitively.

    Args:
        clusters: c of them.
        parents: label of the parent of each, shape (c,); None for the virtual root, which is the
            parent of all and counts as a larger family.
        pieces: their units grouped, those of touched clusters marked.
        threshold: cosine above which two are joined.
        similarity: see ``HierarchyRefiner``, also for the arguments below.
        mutual: see above.
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
    pairs = _similar_pairs(
        centers,
        parents,
        touched,
        pieces,
        threshold,
        alpha if similarity == 'propagation' else None,
        max_family,
        None if mutual else max_candidates,
    )
    everyone = torch.arange(len(touched), device=touched.device)
    if mutual:
        return _mutual_pairs(everyone, pairs)
    joined = Components(everyone)
    for rows, cols in pairs:
        joined.add(rows, cols)
    return joined.join()


def _mutual_pairs(everyone: Tensor, pairs: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Join each pair whose members name each other, shape (c,); see :func:`merge_clusters`.

    Args:
        everyone: 0 to c - 1.
        pairs: clusters, each once at most, and the most similar one of each, or itself.
    """
    # Padding, cluster -1, writes to the last entry.
    nearest = torch.cat([everyone, everyone[:1]])
    for rows, cols in pairs:
        nearest[rows] = cols
    nearest = nearest[:-1]
    return torch.where(nearest[nearest] == everyone, everyone.minimum(nearest), everyone)


def _similar_pairs(
    centers: Tensor,
    parents: Tensor | None,
    touched: Tensor,
    pieces: Groups,
    threshold: float,
    alpha: float | None,
    max_family: int,
    max_candidates: int | None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs of clusters that may be joined; see :func:`merge_clusters`.

    Without ``max_candidates`` each cluster comes once at most, with its most similar one, or itself
    where none is similar.
    """
    alone, family, number = touched, None, int((pieces.host[1] > 0).sum())
    if parents is not None:
        siblings = group_rows(parents, touched)
        families = size_batches(siblings, 2, max_family, centers.shape[1], largest=max_family)
        mutual = max_candidates is None
        yield from _sibling_pairs(centers, siblings, families, touched, threshold, alpha, mutual)
        family = siblings.inverse
        alone = touched & (siblings.counts > max_family)[family]
        counts, marked = siblings.host
        number = int(marked[counts > max_family].sum())
    candidates = first_true(alone, number)
    family = family if family is None else family[candidates]
    for rows, cols in _near_pairs(centers[candidates], family, threshold, max_candidates):
        yield candidates[rows], candidates[cols]


def _sibling_pairs(
    centers: Tensor,
    siblings: Groups,
    families: Iterable[SizeBatch],
    touched: Tensor,
    threshold: float,
    alpha: float | None,
    mutual: bool,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs among all clusters of each of the ``families``."""
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
        if mutual:
            near.diagonal(dim1=1, dim2=2).fill_(False)
            col = _most_similar(score, near)
            yield rows, torch.where(col < 0, rows, rows.gather(1, col.clamp(min=0)))
        else:
            first, second = true_pairs(near)
            yield rows.flatten()[first], rows.flatten()[second]


def _near_pairs(
    centers: Tensor, family: Tensor | None, threshold: float, max_candidates: int | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs of one family above the threshold: each row with its nearest ones.

    Without a ``family`` all are of one. Without ``max_candidates`` it is the nearest one alone.
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
        row = torch.arange(part.start, part.stop, device=centers.device)
        if max_candidates is None:
            col = _most_similar(cosine, near)
            yield row, torch.where(col < 0, row, col)
        elif blocks.listed:
            rows, cols = true_places(near)
            crowded = torch.bincount(rows, minlength=len(near)) > max_candidates
            calm = ~crowded[rows]
            yield rows[calm] + begin, cols[calm]
            row = crowded.nonzero()[:, 0]
            if len(row):
                yield _nearest_pairs(row + begin, cosine[row], near[row], max_candidates)
        else:
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


def _most_similar(score: Tensor, near: Tensor) -> Tensor:
    """Return each row's column of largest score among the ``near`` ones, -1 where none is near.

    Of scores that are equal but for rounding, the first counts.

    Args:
        score: shape (..., n).
        near: which columns may be taken, shape (..., n).
    """
    chosen = score.masked_fill(~near, -torch.inf)
    equal = near & (chosen >= chosen.amax(-1, keepdim=True) - _TIE)
    return equal.byte().argmax(-1).masked_fill_(~near.any(-1), -1)
