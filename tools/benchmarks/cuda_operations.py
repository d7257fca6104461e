"""Operations of batch norms that torch has for CUDA alone, computed on the CPU."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def _channels(values: Tensor, like: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (like.dim() - 2))


def _others(like: Tensor) -> list[int]:
    return [dim for dim in range(like.dim()) if dim != 1]


def _stats(images: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    images, dims = images.float(), _others(images)
    return images.mean(dims), (images.var(dims, unbiased=False) + eps).rsqrt()


def _gather_stats(
    images: Tensor,
    means: Tensor,
    inverse: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    momentum: float,
    eps: float,
    counts: Tensor | float,
) -> tuple[Tensor, Tensor]:
    counts = torch.as_tensor(counts, dtype=means.dtype).expand(len(means))[:, None]
    total = counts.sum()
    mean = (means * counts).sum(0) / total
    variance = ((inverse**-2 - eps + (means - mean) ** 2) * counts).sum(0) / total
    if running_mean is not None and running_var is not None:
        running_mean.lerp_(mean, momentum)
        running_var.lerp_(variance * total / (total - 1), momentum)
    return mean, (variance + eps).rsqrt()


def _normalized(
    images: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    inverse: Tensor,
    eps: float,
) -> Tensor:
    out = (images.float() - _channels(mean, images)) * _channels(inverse, images)
    if weight is not None and bias is not None:
        out = out * _channels(weight, images) + _channels(bias, images)
    return out.to(images.dtype)


def _cudnn_batch_norm(*args: Any) -> tuple[Tensor, ...]:
    return *torch.native_batch_norm(*args), torch.empty(0, dtype=torch.uint8)


# Operations of batch norms that torch has for CUDA alone.
CUDA_ONLY: dict[str, Callable[..., Any]] = {
    'cudnn_batch_norm': _cudnn_batch_norm,
    'batch_norm_stats': _stats,
    'batch_norm_gather_stats': _gather_stats,
    'batch_norm_gather_stats_with_counts': _gather_stats,
    'batch_norm_elemt': _normalized,
}
