"""The computed memory and operations of a training step, on a network that a reader can count."""

import importlib

import pytest
import torch
from torch import nn

from ..commands import ROOT


class Network(nn.Module):
    """Two convolutions without bias, and a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1, bias=False)
        self.second = nn.Conv2d(4, 2, 1, bias=False)

    def loss(self, views, samples):
        assert len(samples) == len(views[0])
        return dict(loss=sum(self.second(self.first(view).relu_()).sum() for view in views))


@pytest.fixture(scope='module')
def tools():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / 'tools/benchmarks')
        yield importlib.import_module('memory'), importlib.import_module('hours')


@pytest.mark.parametrize(('dtype', 'size'), [('float32', 4), ('bfloat16', 2)])
def test_saved_activations_are_counted_once(tools, dtype, size):
    pixels = 8 * 8
    found = tools[0].per_image(Network(), 8, dtype)
    # The first layer saves the images, the second its input, which is what relu saves too.
    assert found.total == 2 * (3 + 4) * pixels * size
    assert found.largest == 4 * pixels * size


def test_what_the_weights_need(tools):
    memory = tools[0]
    network = Network()
    network.second.requires_grad_(False)
    found = memory.fixed(network, 'float32')
    assert found['weights'] == found['gradients'] == 4 * 12 / memory.GB
    assert found['momentum encoder'] == 4 * 8 / memory.GB
    assert 'bank' not in found and 'queue' not in found


def test_a_batch_fits_with_room_for_the_allocator(tools):
    memory = tools[0]
    assert memory.fits(70.2, 80) == 'yes' and memory.fits(70.3, 80) == 'no'


def test_operations_of_forward_and_backward(tools):
    pixels = 8 * 8
    first, second = 2 * 3 * 4 * pixels, 2 * 4 * 2 * pixels
    # Backward computes gradients of both weights, and of the second layer's input.
    expected = 2 * (2 * first + 3 * second)
    torch.manual_seed(0)
    assert tools[1].operations(Network(), batch=2, pixels=8) == expected


def test_hours_need_gpus_that_compute(tools, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['hours.py', '--share', '15', '0'])
    with pytest.raises(SystemExit):
        tools[1].parse_args()
    assert '--gpus, --share and --rate must be above 0' in capsys.readouterr().err
