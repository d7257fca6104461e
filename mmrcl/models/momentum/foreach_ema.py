"""Momentum encoders updated by a few operations over all of their tensors."""

from collections.abc import Sequence
from math import cos, pi
from typing import Any

import torch
from mmengine.logging import MessageHub
from mmengine.model import ExponentialMovingAverage
from mmpretrain.models.utils import CosineEMA
from torch import Tensor, nn

from mmrcl.registry import MODELS


class _ForeachAverage(ExponentialMovingAverage):
    """mmengine's average with fewer operations, and the same results and checkpoints.

    The base class needs several small operations per parameter, and reads the step from the
    device. Here all parameters are averaged by one or two operations, all buffers are copied by one
    or two, and the host counts the steps itself. The results are bitwise equal.

    With ``update_buffers`` the base class averages tensors that the module has lost once it moved
    to another device; here they are looked up at each update.
    """

    _count: int | None = None  # steps; None until the host has read the buffer

    def update_parameters(self, model: nn.Module) -> None:
        """Copy ``model`` at the first call, then average it in at every ``interval``-th call."""
        if self._count is None:
            self._count = int(self.steps)
        targets, sources = self._tensors(self.module), self._tensors(model)
        average = [tensor.data for tensor in targets.values()]
        current = [sources[name].data.to(tensor.device) for name, tensor in targets.items()]
        if self._count == 0:
            _copy(average, current)
        elif self._count % self.interval == 0:
            floating = [i for i, tensor in enumerate(average) if tensor.is_floating_point()]
            self._average([average[i] for i in floating], [current[i] for i in floating])
        if not self.update_buffers:
            _copy(list(self.module.buffers()), list(model.buffers()))
        self._count += 1
        self.steps += 1

    def _tensors(self, module: nn.Module) -> dict[str, Tensor]:
        return module.state_dict() if self.update_buffers else dict(module.named_parameters())

    def _average(self, average: list[Tensor], current: list[Tensor]) -> None:
        raise NotImplementedError

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self._count = None


@MODELS.register_module()
class ForeachEMA(_ForeachAverage):
    """mmengine's ``ExponentialMovingAverage`` with fewer operations, and the same results.

    The arguments are those of the base class; ``momentum`` is the share of the new weights.
    """

    def _average(self, average: list[Tensor], current: list[Tensor]) -> None:
        torch._foreach_lerp_(average, current, self.momentum)


@MODELS.register_module()
class ForeachCosineEMA(_ForeachAverage, CosineEMA):
    """mmpretrain's ``CosineEMA`` with fewer operations, and the same results and checkpoints.

    The arguments are those of ``CosineEMA``; ``momentum`` is 1 - m, the share of the new weights.
    """

    def _average(self, average: list[Tensor], current: list[Tensor]) -> None:
        share = self._share()
        torch._foreach_mul_(average, 1 - share)
        torch._foreach_add_(average, current, alpha=share)

    def _share(self) -> float:
        """Compute 1 - m at a step: from ``momentum`` along a cosine to ``end_momentum``."""
        max_iters = MessageHub.get_current_instance().get_info('max_iters')
        # A tensor, so the angle is computed in float32 as in the base class.
        angle = pi * torch.tensor(self._count) / float(max_iters)
        annealing = (cos(angle) + 1) / 2
        return float(self.end_momentum - (self.end_momentum - self.momentum) * annealing)


def _copy(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copy tensors in one operation for all floating-point ones and one for the others."""
    for floating in (True, False):
        chosen = [i for i, one in enumerate(targets) if one.is_floating_point() == floating]
        if chosen:
            torch._foreach_copy_([targets[i].data for i in chosen], [sources[i] for i in chosen])
