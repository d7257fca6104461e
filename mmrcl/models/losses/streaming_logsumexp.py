"""Log-sum-exp over a long queue without storing all logits."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def streaming_logsumexp(
    queries: Tensor,
    entries: Tensor,
    query_labels: Tensor,
    entry_labels: Tensor,
    block_size: int | None = None,
) -> Tensor:
    """Compute the log-sum-exp of each query's products with the entries whose label differs.

    One pass over the entries, block by block with a running maximum, also sums the entries weighted
    by the exponentials: this sum divided by the total is the gradient, so the backward pass needs
    no further matrix product. The entries get no gradient. A query with no entry left gets roughly
    the lowest finite number of its type.

    Args:
        queries: shape (L, n, d).
        entries: shape (K, d).
        query_labels: shape (1 or L, n).
        entry_labels: shape (1 or L, K); entries with -1 are excluded for every query.
        block_size: products held at a time; by default 2^20, on a GPU 2^25.

    Returns:
        Shape (L, n), with a gradient for ``queries``.
    """
    if block_size is None:
        block_size = 1 << 25 if queries.is_cuda else 1 << 20
    # Function.apply has no type annotations before torch 2.14.
    result: Tensor = _StreamingLogSumExp.apply(  # type: ignore[no-untyped-call, unused-ignore]
        queries, entries, query_labels, entry_labels, block_size
    )
    return result


class _StreamingLogSumExp(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        queries: Tensor,
        entries: Tensor,
        query_labels: Tensor,
        entry_labels: Tensor,
        block_size: int,
    ) -> Tensor:
        levels, rows, dim = queries.shape
        # Nearly square blocks: in narrow ones the sums would cost more than the products.
        height = max(1, min(rows, int(block_size**0.5) // levels))
        width = max(1, block_size // (levels * height))
        results = [
            _softmax_mean(*part, entries, entry_labels, width)
            for part in zip(queries.split(height, 1), query_labels.split(height, 1), strict=True)
        ]
        ctx.save_for_backward(torch.cat([mean for _, mean in results], 1))
        return torch.cat([value for value, _ in results], 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (mean,) = ctx.saved_tensors
        return gradient[:, :, None] * mean, None, None, None, None


def _softmax_mean(
    queries: Tensor, labels: Tensor, entries: Tensor, entry_labels: Tensor, width: int
) -> tuple[Tensor, Tensor]:
    """Compute log-sum-exp (L, n), and the entries' mean under the logits' softmax (L, n, d)."""
    lowest = torch.finfo(queries.dtype).min
    peak = queries.new_full((*queries.shape[:2], 1), lowest)
    total = torch.zeros_like(peak)
    mean = torch.zeros_like(queries)
    for block, block_labels in zip(entries.split(width), entry_labels.split(width, 1), strict=True):
        block = block.to(queries.dtype)  # of a bank in half precision
        # Under autocast the products are in half precision, too coarse for the sums.
        logits = (queries @ block.T).to(queries.dtype)
        excluded = (labels[:, :, None] == block_labels[:, None]) | (block_labels < 0)[:, None]
        logits.masked_fill_(excluded, lowest)
        higher = peak.maximum(logits.amax(2, keepdim=True))
        weights = logits.sub_(higher).exp_()
        shrink = (peak - higher).exp()
        total = total * shrink + weights.sum(2, keepdim=True)
        mean = mean * shrink + (weights @ block).to(queries.dtype)
        peak = higher
    return (peak + total.log())[:, :, 0], mean / total
