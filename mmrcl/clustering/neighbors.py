"""Nearest neighbours, tile by tile."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.arguments import check_tensor, check_width

Mask = Callable[[slice, slice], Tensor]


def nearest_neighbors(
    queries: Tensor,
    features: Tensor,
    k: int,
    tile: tuple[int, int] = (2048, 16384),
    mask: Mask | None = None,
    cosine: bool = False,
    excluded: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Find the k features of largest dot product with each query.

    Products exist one tile at a time, on the device and in the precision of the queries. For k = 1
    the first of several equal products wins. Values are not checked, as retrievers call this in
    each iteration: NaN counts as the largest product.

    Args:
        queries: shape (n, d).
        features: shape (N, d), k <= N; may be on another device or in another precision.
        k: neighbours of a query.
        tile: queries and features of a tile.
        mask: pairs that count, as a function of a slice of queries and a slice of features to a
            bool tensor of the tile's shape; the product of any other pair is -inf.
        cosine: normalise the features, so that products with unit queries are cosines.
        excluded: the one feature that does not count for each query, such as itself, shape (n,);
            its product is -inf.

    Returns:
        Products and indices, each of shape (n, k), largest product first.

    Raises:
        ValueError: if shapes do not fit, or ``k`` is not in 1..N.
    """
    queries, features = check_tensor(queries, 'queries'), check_tensor(features, 'features')
    for name, part in (('queries', queries), ('features', features)):
        if part.ndim != 2:
            raise ValueError(f'{name} of shape {tuple(part.shape)} must be of shape (N, d)')
    check_width(queries, features.shape[1], 'queries', 'features')
    if not min(1, len(features)) <= k <= len(features):
        raise ValueError(f'k={k} must be between 1 and the number of features, {len(features)}')
    height, width = tile
    best, index = [], []
    for start in range(0, max(len(queries), 1), height):
        rows = slice(start, start + height)
        found = _nearest(
            queries[rows],
            features,
            k,
            width,
            mask and partial(mask, rows),
            cosine,
            None if excluded is None else excluded[rows],
        )
        best.append(found[0])
        index.append(found[1])
    return torch.cat(best), torch.cat(index)


def _nearest(
    queries: Tensor,
    features: Tensor,
    k: int,
    width: int,
    mask: Callable[[slice], Tensor] | None,
    cosine: bool,
    excluded: Tensor | None,
) -> tuple[Tensor, Tensor]:
    best = queries.new_empty(len(queries), 0)
    index = torch.empty(len(queries), 0, dtype=torch.long, device=queries.device)
    for start in range(0, len(features), width):
        columns = slice(start, start + width)
        block = features[columns].to(queries)
        product = queries @ (normalize(block, dim=1) if cosine else block).T
        if mask is not None:
            product = product.masked_fill(~mask(columns), -torch.inf)
        if excluded is not None:
            _exclude(product, excluded - start)
        value, place = _largest(product, k)
        best, index = torch.cat([best, value], 1), torch.cat([index, place + start], 1)
        best, chosen = _largest(best, k)
        index = index.gather(1, chosen)
    return best, index


def _exclude(product: Tensor, column: Tensor) -> None:
    """Set one column of each row to -inf, in place; columns may be outside of the tile."""
    inside = (column >= 0) & (column < product.shape[1])
    place = column.clamp(0, product.shape[1] - 1)[:, None]
    value = product.gather(1, place).masked_fill_(inside[:, None], -torch.inf)
    product.scatter_(1, place, value)


def _largest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    # max is several times quicker than topk, and takes the first of several.
    return values.max(1, keepdim=True) if k == 1 else values.topk(min(k, values.shape[1]))


def mutual_neighbors(nearest: Tensor) -> tuple[Tensor, Tensor]:
    """Find the points that are each among the nearest of the other, itself included.

    Args:
        nearest: the nearest points of each point, shape (n, k).

    Returns:
        Where each point's mutual neighbours start in the second tensor, shape (n + 1,), and all
        of them, point after point.
    """
    num, width = nearest.shape
    rows = torch.arange(num, device=nearest.device).repeat_interleave(width)
    forward = rows * num + nearest.flatten()
    backward = nearest.flatten() * num + rows
    alone = torch.arange(num, device=nearest.device) * (num + 1)
    mutual = torch.unique(torch.cat([forward[torch.isin(forward, backward)], alone]))
    counts = torch.bincount(mutual // num, minlength=num)
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)]), mutual % num


def product_rounding(features: Tensor) -> float:
    """Bound the error of a product of two rows of ``features``, as a share of its terms' sum."""
    unit = torch.finfo(features.dtype).eps / 2
    precision = 'highest'
    if features.dtype == torch.float32:
        try:
            precision = torch.get_float32_matmul_precision()
        except RuntimeError:  # set per backend: torch cannot report one precision
            precision = 'medium'
    # Both factors lose their last bits: TF32 keeps 10 of them, bfloat16 keeps 7.
    factors = dict(highest=0.0, high=2**-9, medium=2**-6)[precision]
    return factors + (features.shape[1] + 8) * unit
