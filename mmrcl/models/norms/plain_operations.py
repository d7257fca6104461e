"""Torch's five CUDA functions for batch norm over processes, by operations of any device.

Names, arguments and results are those of ``torch.batch_norm_stats`` and its like, which torch
has for CUDA alone. Inputs have shape (N, C, ...), statistics (C,) and those of R processes (R, C).
Half precision is computed in float32, as there.
"""

import torch
from torch import Tensor


def batch_norm_stats(input: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return mean and 1 / sqrt(variance + eps) of each channel."""
    variance, mean = torch.var_mean(_wide(input), _positions(input), correction=0)
    return mean, (variance + eps).rsqrt()


def batch_norm_gather_stats_with_counts(
    input: Tensor,
    mean: Tensor,
    invstd: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    momentum: float,
    eps: float,
    counts: Tensor,
) -> tuple[Tensor, Tensor]:
    """Combine the statistics of R processes, which saw ``counts`` (R,) positions each.

    Variances and squared distances of the means are averaged (Chan et al., 1979): a difference of
    large squares never arises. Running statistics are updated in place; their variance is unbiased.
    """
    total = counts.sum()
    shares = (counts / total)[:, None]
    common = (shares * mean).sum(0)
    variance = (shares * (invstd**-2 - eps + (mean - common) ** 2)).sum(0)
    if running_mean is not None and running_var is not None:
        running_mean.lerp_(common, momentum)
        running_var.lerp_(variance * (total / (total - 1)), momentum)
    return common, (variance + eps).rsqrt()


def batch_norm_elemt(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    invstd: Tensor,
    eps: float,
) -> Tensor:
    """Normalise, scale by ``weight`` and shift by ``bias``, in the dtype of ``input``."""
    scale = invstd if weight is None else invstd * weight
    output = (_wide(input) - _channels(mean, input)) * _channels(scale, input)
    if bias is not None:
        output += _channels(bias, input)
    return output.to(input.dtype)


def batch_norm_backward_reduce(
    grad_out: Tensor,
    input: Tensor,
    mean: Tensor,
    invstd: Tensor,
    weight: Tensor | None,
    input_g: bool,
    weight_g: bool,
    bias_g: bool,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    """Return the sums of dy and of dy (x - mean), and the gradients of weight and bias."""
    grad = _wide(grad_out)
    sum_dy = grad.sum(_positions(input))
    sum_dy_xmu = (grad * (_wide(input) - _channels(mean, input))).sum(_positions(input))
    grad_weight = None if weight is None else (sum_dy_xmu * invstd).to(weight.dtype)
    grad_bias = None if weight is None else sum_dy.to(weight.dtype)
    return sum_dy, sum_dy_xmu, grad_weight if weight_g else None, grad_bias if bias_g else None


def batch_norm_backward_elemt(
    grad_out: Tensor,
    input: Tensor,
    mean: Tensor,
    invstd: Tensor,
    weight: Tensor | None,
    sum_dy: Tensor,
    sum_dy_xmu: Tensor,
    count: Tensor,
) -> Tensor:
    """Return the gradient of the input from the sums over all processes."""
    total = count.sum()
    slope = invstd**2 * sum_dy_xmu / total
    centred = _wide(input) - _channels(mean, input)
    grad = _wide(grad_out) - _channels(sum_dy / total, input) - centred * _channels(slope, input)
    scale = invstd if weight is None else invstd * weight
    return (grad * _channels(scale, input)).to(input.dtype)


def _wide(values: Tensor) -> Tensor:
    return values.float() if values.dtype in (torch.half, torch.bfloat16) else values


def _positions(input: Tensor) -> list[int]:
    return [0, *range(2, input.dim())]


def _channels(values: Tensor, input: Tensor) -> Tensor:
    return values.view(1, -1, *[1] * (input.dim() - 2))
