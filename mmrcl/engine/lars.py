"""LARS by operations over all tensors at once, without waits for the device."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from mmpretrain.engine.optimizers import LARS as MMPretrainLARS
from torch import Tensor

from mmrcl.registry import OPTIMIZERS


class _Rate(NamedTuple):
    """How gradients become steps."""

    lr: float
    weight_decay: float
    eta: float
    lars_exclude: bool


class _Inertia(NamedTuple):
    """How the steps of iterations add up, and where their tensors lie."""

    momentum: float
    dampening: float
    nesterov: bool
    device: torch.device
    dtype: torch.dtype


@OPTIMIZERS.register_module()
class LARS(MMPretrainLARS):
    """mmpretrain's ``LARS`` (You et al., 2017) by few operations, and without waits.

    The base class reads two norms of each adapted tensor from the device, and the host waits for
    each. Here norms and trust ratios stay on the device, and foreach operations treat all tensors
    of equal settings together. mmengine makes one group of each parameter, and schedules may give
    them different rates: equal settings are found anew in each step.

    Arguments, options of parameter groups (``lars_exclude``) and state dicts are those of the base
    class, and the steps equal its up to rounding. In mmrcl's scope ``dict(type='LARS')`` is this
    class, ``dict(type='mmpretrain.LARS')`` the base class. A step needs memory for about two copies
    of the trained parameters.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Update all parameters that have a gradient; return what ``closure`` returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for inertia, rates in self._settings().items():
            parameters: list[Tensor] = []
            steps: list[Tensor] = []
            for rate, alike in rates.items():
                parameters += alike
                steps += self._steps(alike, rate)
            if inertia.momentum:
                steps = self._accumulated(parameters, steps, inertia)
            torch._foreach_sub_(parameters, steps)
        return loss

    def _settings(self) -> dict[_Inertia, dict[_Rate, list[Tensor]]]:
        """Return the parameters with a gradient by their settings."""
        found: dict[_Inertia, dict[_Rate, list[Tensor]]] = defaultdict(lambda: defaultdict(list))
        for group in self.param_groups:
            rate = _Rate(
                group['lr'],
                group['weight_decay'],
                group['eta'],
                group.get('lars_exclude', False),
            )
            momenta = group['momentum'], group['dampening'], group['nesterov']
            for parameter in group['params']:
                if parameter.grad is not None:
                    inertia = _Inertia(*momenta, parameter.device, parameter.dtype)
                    found[inertia][rate].append(parameter)
        return found

    def _steps(self, parameters: list[Tensor], rate: _Rate) -> Sequence[Tensor]:
        """Return ``rate * (gradient + weight decay * parameter)`` of each parameter."""
        gradients = [tensor.grad for tensor in parameters if tensor.grad is not None]
        decayed: Sequence[Tensor] = gradients
        if rate.weight_decay:
            decayed = torch._foreach_add(gradients, parameters, alpha=rate.weight_decay)
        if rate.lars_exclude:
            return torch._foreach_mul(list(decayed), rate.lr)
        norms = torch.stack(torch._foreach_norm([*parameters, *gradients]))
        rates = _filled_like(parameters, self._adapted(norms.view(2, -1), rate))
        steps = torch._foreach_mul(list(decayed), list(rates))
        return [step.to(tensor.dtype) for step, tensor in zip(steps, parameters, strict=True)]

    def _adapted(self, norms: Tensor, rate: _Rate) -> Tensor:
        """Return the learning rates (n,) for the norms of weights and gradients (2, n).

        Where one of the two is zero, the rate is not adapted.
        """
        # In half precision rates would round to zero.
        wide = norms.to(torch.promote_types(norms.dtype, torch.float32))
        weights, gradients = wide.unbind()
        decayed = gradients.add(weights, alpha=rate.weight_decay).add_(self.eps)
        adapted = (weights / decayed).mul_(rate.eta * rate.lr)
        return torch.where(torch.logical_and(weights, gradients), adapted, rate.lr)

    def _accumulated(
        self, parameters: list[Tensor], steps: list[Tensor], inertia: _Inertia
    ) -> list[Tensor]:
        """Add steps to their momentum buffers, or start these; return the steps to take."""
        states = [self.state[tensor] for tensor in parameters]
        old = [i for i, state in enumerate(states) if state]
        for state, step in zip(states, steps, strict=True):
            if not state:
                state['momentum_buffer'] = step
        buffers = [state['momentum_buffer'] for state in states]
        if old:
            torch._foreach_mul_([buffers[i] for i in old], inertia.momentum)
            own = [steps[i] for i in old]
            torch._foreach_add_([buffers[i] for i in old], own, alpha=1 - inertia.dampening)
        if inertia.nesterov:
            return list(torch._foreach_add(steps, buffers, alpha=inertia.momentum))
        return buffers


def _filled_like(tensors: list[Tensor], values: Tensor) -> Sequence[Tensor]:
    """Fill a tensor of the layout of each of n ``tensors`` by one of ``values`` (n,).

    Foreach operations are one kernel for many tensors only if these agree in shape and layout.
    """
    sizes = [tensor.numel() for tensor in tensors]
    pairs = zip(values.unbind(), sizes, strict=True)
    filled = torch.cat([value.expand(size) for value, size in pairs])
    pieces = zip(filled.split(sizes), tensors, strict=True)
    return [_laid_out(piece, tensor) for piece, tensor in pieces]


def _laid_out(values: Tensor, like: Tensor) -> Tensor:
    layouts = (torch.contiguous_format, torch.channels_last, torch.channels_last_3d)
    if any(like.is_contiguous(memory_format=layout) for layout in layouts):
        return values.as_strided(like.shape, like.stride(), values.storage_offset())
    return values.view(like.shape)
