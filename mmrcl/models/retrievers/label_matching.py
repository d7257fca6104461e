"""Finding an entry of a gallery that shares one label with a query and differs in another."""

from typing import NamedTuple

import torch
from torch import Tensor

from mmrcl.clustering import nearest_neighbors


class Labeled(NamedTuple):
    """Two labels of queries or of gallery entries, each of shape (n,).

    Attributes:
        shared: must be equal in query and entry; an entry with -1 never matches.
        distinct: must differ.
    """

    shared: Tensor
    distinct: Tensor


def draw_match(queries: Labeled, gallery: Labeled) -> tuple[Tensor, Tensor]:
    """Draw for each query, evenly, one of the entries that match.

    Sorting the gallery once makes the matches of a query two runs of positions, so memory stays
    linear in queries and entries.

    Returns:
        Position in the gallery (0 where nothing matches) and whether one was found, shape (n,).
    """
    stride = 1 + torch.cat([gallery.distinct, queries.distinct]).max()
    ordered, order = (gallery.shared * stride + gallery.distinct).sort(stable=True)
    low = torch.searchsorted(ordered, queries.shared * stride)
    high = torch.searchsorted(ordered, (queries.shared + 1) * stride)
    same = queries.shared * stride + queries.distinct
    skip = torch.searchsorted(ordered, same)
    skipped = torch.searchsorted(ordered, same, right=True) - skip
    count = high - low - skipped
    drawn = (torch.rand(count.shape, device=count.device) * count).long()
    place = low + torch.minimum(drawn, (count - 1).clamp(min=0))
    place = place + torch.where(place >= skip, skipped, 0)
    found = count > 0
    return order[torch.where(found, place, 0)], found


def nearest_match(
    queries: Labeled,
    gallery: Labeled,
    features: Tensor,
    entries: Tensor,
    block_size: int = 1 << 16,
) -> tuple[Tensor, Tensor]:
    """Find for each query the matching entry of largest dot product.

    Args:
        queries: labels of the queries.
        gallery: labels of the entries.
        features: of the queries, shape (n, d).
        entries: features of the gallery, shape (K, d).
        block_size: entries compared at a time.

    Returns:
        Position in the gallery (0 where nothing matches) and whether one was found, shape (n,).
    """

    def matches(rows: slice, columns: slice) -> Tensor:
        shared = queries.shared[rows, None] == gallery.shared[columns]
        return shared & (queries.distinct[rows, None] != gallery.distinct[columns])

    tile = (max(len(features), 1), block_size)
    product, position = nearest_neighbors(features, entries, 1, tile, matches)
    found = product[:, 0] > -torch.inf
    return position[:, 0].where(found, 0), found
