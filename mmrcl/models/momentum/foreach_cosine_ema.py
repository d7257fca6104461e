"""The momentum encoder, averaged by a few operations over all of its tensors."""

from collections.abc import Sequence
from math import cos, pi

import torch
from mmengine.logging import MessageHub
from mmpretrain.models.utils import CosineEMA
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class ForeachCosineEMA(CosineEMA):
    """mmpretrain's ``CosineEMA``, whose results and checkpoints it shares, with fewer operations.

    The base class takes a dozen small operations a parameter, one of which asks the device for
    the step. Here all parameters are averaged by two operations, all buffers are copied by one or
    two, and the device is asked once a step. The arithmetic is the same to the last bit.

    Args: as in ``CosineEMA``; ``momentum`` is what the average takes over, 1 - m.
    """

    def update_parameters(self, model: nn.Module) -> None:
        """Takes over ``model``: as it is at the first call, then at every ``interval``-th."""
        parameters = dict(model.named_parameters())
        source = model.state_dict() if self.update_buffers else parameters
        average = [tensor.data for tensor in self.avg_parameters.values()]
        current = [
            source[name].data.to(tensor.device) for name, tensor in self.avg_parameters.items()
        ]
        steps = self.steps.cpu()
        if steps == 0:
            _copy(average, current)
        elif steps % self.interval == 0:
            self._average(average, current, steps)
        if not self.update_buffers:
            _copy(list(self.module.buffers()), list(model.buffers()))
        self.steps += 1

    def _average(self, average: list[Tensor], current: list[Tensor], steps: Tensor) -> None:
        share = self._share(steps)
        average = [tensor for tensor in average if tensor.is_floating_point()]
        current = [tensor for tensor in current if tensor.is_floating_point()]
        torch._foreach_mul_(average, 1 - share)
        torch._foreach_add_(average, current, alpha=share)

    def _share(self, steps: Tensor) -> float:
        """What the average takes over at a step: from ``momentum`` along a cosine to the end's.

        As in the base class the angle is a float32 number, which the step's tensor makes it.
        """
        max_iters = MessageHub.get_current_instance().get_info('max_iters')
        annealing = (cos(pi * steps / float(max_iters)) + 1) / 2
        return float(self.end_momentum - (self.end_momentum - self.momentum) * annealing)


def _copy(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> None:
    """Copies tensor by tensor; one operation for all that are fractions, one for the others."""
    for fractions in (True, False):
        chosen = [i for i, one in enumerate(targets) if one.is_floating_point() == fractions]
        if chosen:
            torch._foreach_copy_([targets[i].data for i in chosen], [sources[i] for i in chosen])
