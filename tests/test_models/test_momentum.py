import copy

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.model import ExponentialMovingAverage
from mmpretrain.models.utils import CosineEMA
from torch import nn

from mmrcl.models import ForeachCosineEMA, ForeachEMA
from mmrcl.registry import MODELS


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    layers = [nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Flatten(), nn.Linear(45, 4)]
    return nn.Sequential(*layers)


def move(model: nn.Module) -> None:
    """Changes parameters and buffers as a step of training does."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn_like(parameter)
    model(torch.randn(4, 3, 5, 5))


def assert_same(first: nn.Module, second: nn.Module) -> None:
    pairs = zip(first.state_dict().items(), second.state_dict().items(), strict=True)
    for (name, expected), (key, found) in pairs:
        assert name == key
        assert torch.equal(expected, found), name


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize(
    'settings',
    [
        dict(),
        dict(interval=3),
        dict(update_buffers=True),
        dict(end_momentum=0.1),
        dict(device=torch.device('cpu')),
    ],
    ids=str,
)
def test_equals_the_base_class_bit_for_bit(seed, settings):
    MessageHub.get_current_instance().update_info('max_iters', 11)
    model = network(seed)
    expected, found = (kind(model, 0.3, **settings) for kind in (CosineEMA, ForeachCosineEMA))
    for step in range(12):
        if step == 7:
            expected.interval = found.interval = 2
        before = copy.deepcopy(found.state_dict())
        move(model)
        expected.update_parameters(model)
        found.update_parameters(model)
        assert_same(expected, found)
        moved = not torch.equal(before['module.0.weight'], found.module[0].weight)
        # Past max_iters the cosine rises again; at its end nothing is taken over.
        at_the_end = step == 11 and found.end_momentum == 0
        assert moved == (step % found.interval == 0 and not at_the_end)
    assert found.steps == 12
    assert found.module[1].num_batches_tracked == (1 if found.update_buffers else 12)


@pytest.mark.parametrize('settings', [dict(), dict(interval=3), dict(update_buffers=True)], ids=str)
def test_the_constant_one_equals_its_base_class_bit_for_bit(settings):
    model = network(0)
    expected, found = (
        kind(model, 0.3, **settings) for kind in (ExponentialMovingAverage, ForeachEMA)
    )
    for _ in range(7):
        move(model)
        expected.update_parameters(model)
        found.update_parameters(model)
        assert_same(expected, found)


@pytest.mark.parametrize('kind', [ForeachCosineEMA, ForeachEMA])
@pytest.mark.parametrize('update_buffers', [True, False])
def test_averages_what_the_module_holds_after_a_move(kind, update_buffers):
    """A new precision replaces tensors as a new device does."""
    MessageHub.get_current_instance().update_info('max_iters', 20)
    model = network(0)
    expected = kind(model.double(), 0.3, update_buffers=update_buffers)
    found = kind(network(0), 0.3, update_buffers=update_buffers).double()
    assert_same(expected, found)
    torch.manual_seed(1)
    model = model.double()
    for _ in range(4):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += torch.randn_like(parameter)
        model(torch.randn(4, 3, 5, 5, dtype=torch.float64))
        expected.update_parameters(model)
        found.update_parameters(model)
        assert_same(expected, found)
    assert not torch.equal(found.module[0].weight, network(0)[0].weight.double())


def test_first_call_copies():
    model, average = network(0), ForeachCosineEMA(network(1), 0.3)
    average.update_parameters(model)
    assert_same(model, average.module)
    assert not any(parameter.requires_grad for parameter in average.parameters())


def test_goes_on_from_a_checkpoint_of_the_base_class():
    MessageHub.get_current_instance().update_info('max_iters', 20)
    model = network(0)
    old, new = CosineEMA(model, 0.3), ForeachCosineEMA(network(1), 0.3)
    for _ in range(4):
        move(model)
        old.update_parameters(model)
    new.update_parameters(model)  # it counts its own steps, until it is loaded
    new.load_state_dict(old.state_dict())
    for _ in range(4):
        move(model)
        old.update_parameters(model)
        new.update_parameters(model)
    assert_same(old, new)
    assert new.steps == 8


@pytest.mark.parametrize('kind', [ForeachCosineEMA, ForeachEMA])
def test_is_registered(kind):
    assert MODELS.get(kind.__name__) is kind
