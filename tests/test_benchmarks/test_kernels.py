"""Kernels and waits of a step on a pretended GPU do not grow.

`kernels.csv` has a bound for each phase. tools/benchmarks/kernels.py says how to write it anew.
"""

import csv
import importlib
from pathlib import Path

import pytest
import torch

from ..commands import ROOT
from ..tiers import check_slow

TABLE = Path(__file__).with_name('kernels.csv')
with TABLE.open(newline='') as file:
    BOUNDS = {(row.pop('case'), row.pop('phase')): row for row in csv.DictReader(file)}
CASES = list(dict.fromkeys(case for case, _ in BOUNDS))
# Rounding on another processor may join other clusters.
SLACK = 1.02


@pytest.fixture(scope='module')
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / 'tools/benchmarks')
        yield importlib.import_module('kernels')


@pytest.mark.slow
@pytest.mark.parametrize('case', CASES)
def test_counts_do_not_grow(benchmark, case):
    check_slow('counts a step')
    rows, places = benchmark.bounded()[case]()
    assert rows
    grown = [
        f'{row["phase"]}: {row[name]} {name}, the bound is {bound[name]}'
        for row in rows
        for bound in [BOUNDS.get((case, row['phase']), dict(kernels=0, waits=0))]
        for name in ('kernels', 'waits')
        if row[name] > int(SLACK * int(bound[name]))
    ]
    assert not grown, '\n'.join([*grown, 'waits:', *(f'{n} {line}' for line, n in places.items())])


def test_every_case_has_bounds(benchmark):
    assert list(benchmark.bounded()) == CASES


def fill(x, value):
    x[x > 2] = value


def put(x, value):
    x[torch.zeros(1, dtype=torch.long, device=x.device)] = value


OPERATIONS = {
    'a sum': (lambda x: x.sum(), 1, 0),
    'views': (lambda x: x[1:].view(1, -1).expand(4, -1), 0, 0),
    'a new tensor': (lambda x: torch.zeros(3, device='cuda'), 1, 0),
    'item': (lambda x: x.sum().item(), 1, 1),
    'bool': (lambda x: bool(x[0] > 0), 1, 1),
    'tolist': (lambda x: x.tolist(), 0, 1),
    'nonzero': (lambda x: x.nonzero(), 3, 1),
    'boolean mask': (lambda x: x[x > 2], 5, 1),
    'filled mask': (lambda x: fill(x, 0.0), 2, 0),
    'mask filled from the device': (lambda x: fill(x, x[0]), 5, 1),
    'number put in': (lambda x: put(x, 0.0), 2, 1),
    'masked_fill': (lambda x: x.masked_fill_(x > 2, 0.0), 2, 0),
    'unique': (lambda x: x.unique(), 8, 1),
    'to the host': (lambda x: x.cpu(), 1, 1),
    'to the host, not waiting': (lambda x: x.to('cpu', non_blocking=True), 1, 0),
    'from the host': (lambda x: torch.ones(3).to('cuda'), 1, 1),
    'from the host, pinned': (
        lambda x: torch.ones(3).pin_memory().to(x.device, non_blocking=True), 1, 0,
    ),
    'from pinned memory': (
        lambda x: torch.empty(3, pin_memory=True).to(x.device, non_blocking=True), 1, 0,
    ),
    'Python values': (lambda x: torch.tensor([1, 2], device='cuda'), 0, 1),
    'list as index': (lambda x: x[[0, 1]], 1, 1),
    'foreach': (lambda x: torch._foreach_mul([x] * 100, 2.0), 3, 0),
    'copy in place': (lambda x: x.copy_(torch.ones(4)), 1, 1),
    'repeats': (lambda x: x.repeat_interleave(x.long()), 5, 1),
    'repeats of known number': (
        lambda x: x.repeat_interleave(x.long(), output_size=6), 5, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', OPERATIONS)
def test_operations_are_counted(benchmark, name):
    operation, kernels, waits = OPERATIONS[name]
    device = benchmark.PretendedDevice()
    with device.open():
        given = torch.arange(4.0).to('cuda')
        device.clear()
        with device.phase('here'):
            operation(given)
    assert (device.kernels['here'], device.waits['here']) == (kernels, waits), device.places
    assert not device.kernels['rest'] and not device.waits['rest']


def test_values_are_those_of_the_cpu(benchmark):
    device, layer = benchmark.PretendedDevice(), torch.nn.Linear(3, 2)
    images = torch.randn(5, 3)
    expected = layer(images)
    with device.open():
        weight = layer.weight
        device.move(layer)
        found = layer(images.to('cuda'))
        assert layer.weight is weight and weight.is_cuda and found.requires_grad
        with pytest.raises(RuntimeError, match='mixes'):
            found + images[:, :2]
        assert found.cpu().equal(expected)
