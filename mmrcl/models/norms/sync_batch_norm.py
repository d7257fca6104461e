"""Batch norm over the images of all processes, without waits for the device."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from mmrcl.registry import MODELS

from . import plain_operations


@MODELS.register_module('SyncBN')
class SyncBatchNorm(_BatchNorm):
    """Batch norm over the union of the batches of all processes (Sect. 5.1), in training.

    It equals ``torch.nn.SyncBatchNorm`` in values, gradients, running statistics and state dict,
    and differs in two ways. Torch's filters out processes without images by boolean masks, for
    which the host waits for the device three times a layer; here every process must have images,
    and none waits. Torch's refuses a CPU; this one runs on any device, by
    :mod:`~mmrcl.models.norms.plain_operations` where there is no CUDA.

    In evaluation, and in one process, it is plain batch norm. In configs of mmrcl's scope
    ``dict(type='SyncBN')`` is this class, ``dict(type='mmengine.SyncBN')`` torch's. DDP refuses
    torch's class on a CPU, and mmengine converts it in a single process: this is a subclass of
    ``_BatchNorm`` instead.

    With ``momentum=None`` each step reads the number of batches from the device.

    Args:
        num_features: C, the number of channels of inputs (N, C, ...).
        eps: added to the variance.
        momentum: share of the new batch in the running statistics, or None for their average.
        affine: whether to scale and shift.
        track_running_stats: whether to keep running statistics.
        process_group: the processes to synchronise, by default all.
        **kwargs: ``device`` and ``dtype`` of parameters and buffers.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: dist.ProcessGroup | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, **kwargs)
        self.process_group = process_group

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, ...).

        Raises:
            ValueError: for a tensor of fewer than two dimensions, or a process without images.
        """
        if not self.training or _size(self.process_group) == 1:
            return super().forward(input)
        self._check_input_dim(input)
        if input.numel() == 0:
            raise ValueError(
                f'SyncBN got an empty batch of shape {tuple(input.shape)}: every process must have '
                "images in every step; set norm_cfg to dict(type='mmengine.SyncBN') for batches "
                'that may be empty'
            )
        output: Tensor = _Normalise.apply(  # type: ignore[no-untyped-call, unused-ignore]
            input, self.weight, self.bias, *self._running(), self.eps, self.process_group
        )
        return output

    def _running(self) -> tuple[Tensor | None, Tensor | None, float]:
        """Count the batch; return what to update, and the share of the batch in it."""
        if not self.track_running_stats or self.num_batches_tracked is None:
            return None, None, 0.0
        self.num_batches_tracked.add_(1)
        momentum = self.momentum
        if momentum is None:
            momentum = 1 / self.num_batches_tracked.item()
        return self.running_mean, self.running_var, momentum

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:
            raise ValueError(f'SyncBN needs inputs (N, C, ...): got shape {tuple(input.shape)}')


class _Normalise(torch.autograd.Function):
    """One exchange of (2C + 1) values forward, and of 2C backward.

    The counts stay on the device, where they weight the statistics: batches of different sizes are
    exact too. Gradients of weight and bias are those of the own images; DDP averages them.
    """

    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        momentum: float,
        eps: float,
        group: dist.ProcessGroup | None,
    ) -> Tensor:
        operations, input = _operations(input), _dense(input)
        mean, invstd = operations.batch_norm_stats(input, eps)
        count = mean.new_full((1,), input.numel() // len(mean))
        means, invstds, counts = _gather(torch.cat([mean, invstd, count]), len(mean), group)
        # The first argument determines a dtype alone: statistics are float32 for half inputs.
        mean, invstd = operations.batch_norm_gather_stats_with_counts(
            mean, means, invstds, running_mean, running_var, momentum, eps, counts
        )
        ctx.save_for_backward(input, weight, mean, invstd, counts)
        ctx.group = group
        output: Tensor = operations.batch_norm_elemt(input, weight, bias, mean, invstd, eps)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor | None, ...]:
        input, weight, mean, invstd, counts = ctx.saved_tensors
        operations, grad_output = _operations(input), _dense(grad_output)
        needed = ctx.needs_input_grad[:3]
        sum_dy, sum_dy_xmu, *of_parameters = operations.batch_norm_backward_reduce(
            grad_output, input, mean, invstd, weight, *needed
        )
        of_input = None
        if needed[0]:
            sums = torch.cat([sum_dy, sum_dy_xmu])
            dist.all_reduce(sums, group=ctx.group)
            of_input = operations.batch_norm_backward_elemt(
                grad_output, input, mean, invstd, weight, *sums.chunk(2), counts.int()
            )
        return of_input, *of_parameters, None, None, None, None, None


def _gather(
    own: Tensor, channels: int, group: dist.ProcessGroup | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gather means (R, C), inverse deviations (R, C) and counts (R,) of R processes."""
    gathered = own.new_empty(_size(group) * len(own))
    dist.all_gather_into_tensor(gathered, own, group)
    means, invstds, counts = gathered.view(-1, len(own)).split([channels, channels, 1], dim=1)
    return means, invstds, counts.squeeze(1)


def _size(group: dist.ProcessGroup | None) -> int:
    return dist.get_world_size(group) if dist.is_available() and dist.is_initialized() else 1


def _operations(input: Tensor) -> Any:
    return torch if input.is_cuda else plain_operations


def _dense(values: Tensor) -> Tensor:
    """Keep channels last, and make other layouts contiguous, as the CUDA functions require."""
    channels_last = (torch.channels_last, torch.channels_last_3d)
    if any(values.is_contiguous(memory_format=layout) for layout in channels_last):
        return values
    return values.contiguous()
