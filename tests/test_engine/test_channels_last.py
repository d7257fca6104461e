"""Gradients of a distributed model in the channels-last memory format."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from torch import Tensor, distributed, nn

from mmrcl.engine import ChannelsLastHook

from .children import run_ranks


def wrapped(config: None, model: nn.Module) -> nn.Module:
    return MMDistributedDataParallel(model, broadcast_buffers=False)


def gradients(call: nn.Module, network: nn.Module) -> list[Tensor]:
    """Gradients on images that differ between the ranks."""
    generator = torch.Generator().manual_seed(distributed.get_rank())
    images = torch.randn(5, 3, 8, 8, generator=generator, dtype=torch.float64)
    network.zero_grad()
    call(images).pow(2).mean().backward()
    return [parameter.grad.clone() for parameter in network.parameters()]


def check_gradients() -> None:
    distributed.init_process_group('gloo')
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)).double()
    expected = gradients(plain, plain)
    for gradient in expected:
        distributed.all_reduce(gradient)
    network = copy.deepcopy(plain)
    runner = SimpleNamespace(model=wrapped(None, network), wrap_model=wrapped, cfg={})
    ChannelsLastHook().before_train(runner)
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    for _ in range(3):
        found = gradients(runner.model, network)
        for mean, total in zip(found, expected, strict=True):
            torch.testing.assert_close(mean, total / 2)
    runner.cfg = dict(compile=True)
    with pytest.raises(ValueError, match='remove compile, and set default_hooks.compile='):
        ChannelsLastHook().before_train(runner)


@pytest.mark.slow
def test_ddp_averages_every_gradient():
    assert run_ranks(check_gradients, ranks=2) == [0, 0]
