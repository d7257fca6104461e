"""Two processes: batch norm over both against one, and a few steps with the same end on both."""

from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from .ranks import ChildError, on_ranks
from .results import Check, Finding, Place, Skip
from .steps import RCL, Steps, in_precision, plain_norm, shipped

CPU_REFUSED = 'input tensor to be on GPU'


def norm_input(place: Place) -> tuple[Tensor, Tensor]:
    """Draw the input of a layer and the weights of a sum over its output."""
    generator = torch.Generator().manual_seed(0)
    shape = place.size((64, 64, 28, 28), (8, 6, 5, 5))
    given = 2 * torch.randn(shape, generator=generator) + 1
    return given, torch.randn(shape, generator=generator)


def normalized(layer: nn.Module, given: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """Return output, gradients and running values of a layer."""
    given = given.detach().requires_grad_()
    output = layer(given)
    (output * weights).sum().backward()
    return dict(
        output=output.detach().cpu(),
        gradient=given.grad.cpu(),
        weight=layer.weight.grad.cpu(),
        bias=layer.bias.grad.cpu(),
        mean=layer.running_mean.cpu(),
        variance=layer.running_var.cpu(),
    )


def norm_of_rank(place: Place, rank: int) -> dict[str, Any]:
    """Normalise half the images by the batch norm of the ImageNet config."""
    init_default_scope('mmrcl')
    norm = shipped(RCL).model.backbone.norm_cfg
    given, weights = (half.chunk(2)[rank].to(place.device) for half in norm_input(place))
    layer = build_norm_layer(dict(norm), given.shape[1])[1].to(place.device).train()
    found = normalized(layer, given, weights)
    return {name: tensor.numpy() for name, tensor in found.items()}


def sync_bn(place: Place) -> Finding:
    """Compare the batch norm of two processes with one over the whole batch in float64."""
    try:
        ranks = on_ranks(norm_of_rank, place, 'gloo')
    except ChildError as error:
        if place.on_gpu or CPU_REFUSED not in str(error):
            raise
        raise Skip('SyncBN of the config needs GPUs') from error
    off = norm_deviation(place, ranks)
    remedy = 'train with the plain norm: set norm_cfg=dict(type="BN") in backbone, neck and head'
    return Finding(max(off.values()) < 1e-4, {'off by': off}, remedy)


def norm_deviation(place: Place, ranks: list[dict[str, Any]]) -> dict[str, float]:
    """Return the relative distances of the results of two processes from those of one."""
    halves = [{name: torch.from_numpy(value) for name, value in rank.items()} for rank in ranks]
    given, weights = norm_input(place)
    layer = nn.BatchNorm2d(given.shape[1]).double()
    expected = normalized(layer, given.double(), weights.double())
    found = {name: torch.cat([half[name] for half in halves]) for name in ('output', 'gradient')}
    found |= {name: halves[0][name] + halves[1][name] for name in ('weight', 'bias')}
    found |= {name: halves[0][name] for name in ('mean', 'variance')}
    return {
        name: float((found[name].double() - right).norm() / right.norm())
        for name, right in expected.items()
    }


def steps_of_rank(place: Place, rank: int) -> list[float]:
    """Take three steps, and return the sums of parameters, queue and labels."""
    config = in_precision(shipped(RCL, toy=True), 'float32')
    if not place.on_gpu:
        plain_norm(config)
    steps = Steps(config, place, 16, 600, distributed=True, rank=rank)
    steps.losses(3)
    # Weighted by place, so that an exchange shows.
    return [float((t.double().flatten() * place_weights(t)).sum()) for t in steps.state()]


def place_weights(tensor: Tensor) -> Tensor:
    return torch.linspace(1, 2, tensor.numel(), dtype=torch.float64, device=tensor.device)


def equal_ranks(place: Place, backend: str, devices: int) -> Finding:
    first, second = on_ranks(steps_of_rank, place, backend, devices=devices)
    unequal = sum(a != b for a, b in zip(first, second, strict=True))
    figures = {'tensors': len(first), 'unequal': unequal}
    remedy = 'use GPUs of one kind; otherwise report the versions of the first check'
    return Finding(unequal == 0, figures, remedy)


def gloo(place: Place) -> Finding:
    return equal_ranks(place, 'gloo', 1)


def nccl(place: Place) -> Finding:
    found = torch.cuda.device_count()
    if found < 2:
        raise Skip(f'NCCL needs two GPUs, and this machine has {found}')
    return equal_ranks(place, 'nccl', 2)


CHECKS: dict[str, Check] = {
    'synchronised batch norm': sync_bn,
    'two processes, gloo': gloo,
    'two processes, NCCL': nccl,
}
