"""Merging of clusters of one parent (Sect. 4.3, Fig. 4)."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..graphs import connect
from ..segments import Groups, group_rows, padded_rows, size_buckets, true_places
from .label_propagation import isolated_pair_score, propagation_kernel, propagation_score
from .splitting import PADDED_ELEMENTS
from .units import Units

Similarity = Literal['average', 'centers', 'propagation']


def merge_clusters(
    clusters: Units,
    parents: Tensor,
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
        parents: label of the parent of each, shape (c,).
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
    siblings = group_rows(parents)
    limited = siblings.counts > max_family
    roots = torch.arange(len(parents), device=parents.device)
    candidates = (touched & limited[siblings.inverse]).nonzero()[:, 0]
    family = siblings.inverse[candidates]
    for rows, cols in _near_pairs(centers[candidates], family, threshold, max_candidates):
        connect(roots, candidates[rows], candidates[cols])
    alive = torch.zeros_like(limited)
    alive[siblings.inverse[touched]] = True
    families = (alive & ~limited & (siblings.counts > 1)).nonzero()[:, 0]
    propagated = alpha if similarity == 'propagation' else None
    for rows, cols in _sibling_pairs(centers, siblings, families, touched, threshold, propagated):
        connect(roots, rows, cols)
    return roots


def _sibling_pairs(
    centers: Tensor,
    siblings: Groups,
    families: Tensor,
    touched: Tensor,
    threshold: float,
    alpha: float | None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs to join among all clusters of each of the ``families``."""
    counts = siblings.counts[families]
    widest = int(counts.max()) if len(counts) else 0
    for chosen, width in size_buckets(counts, widest, centers.shape[1], PADDED_ELEMENTS):
        rows = padded_rows(siblings, families[chosen], width)
        valid = rows >= 0
        points = centers[rows.clamp(min=0)]
        score = points @ points.transpose(1, 2)
        least = score.new_tensor(threshold)
        if alpha is not None:
            score = propagation_score(propagation_kernel(score, valid, alpha))
            least = isolated_pair_score(least, alpha)
        pair = valid[:, :, None] & valid[:, None, :]
        pair &= touched[rows][:, :, None] | touched[rows][:, None, :]
        family, left, right = ((score > least) & pair.triu(1)).nonzero(as_tuple=True)
        yield rows[family, left], rows[family, right]


def _near_pairs(
    centers: Tensor, family: Tensor, threshold: float, max_candidates: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the pairs of one family above the threshold: each row with its nearest ones."""
    if len(centers) == 0:
        return
    everyone = torch.arange(len(centers), device=centers.device)
    for part in everyone.split(max(1, PADDED_ELEMENTS // len(centers))):
        cosine = centers[part] @ centers.T
        cosine[part - part[0], part] = -torch.inf
        rows, cols = true_places(cosine > threshold)
        related = family[part[rows]] == family[cols]
        rows, cols = rows[related], cols[related]
        crowded = torch.bincount(rows, minlength=len(part)) > max_candidates
        calm = ~crowded[rows]
        yield part[rows[calm]], cols[calm]
        crowd = crowded.nonzero()[:, 0]
        near = cosine[crowd].masked_fill_(family[part[crowd], None] != family, -torch.inf)
        nearest = near.topk(min(max_candidates, len(centers))).indices
        yield part[crowd].repeat_interleave(nearest.shape[1]), nearest.flatten()
