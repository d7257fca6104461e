"""A killed run of each kind of further state ends, once resumed, like the run without a stop."""

import signal
from pathlib import Path

import pytest
import torch

from .. import test_baselines
from ..test_benchmarks import test_partly_labeled
from .children import BY_ITERATION, run_ranks, train_config
from .test_kills_by_the_clock import state_of

# Eight iterations in two epochs. Each has state that RCL has not.
METHODS = {
    'instdisc': 'a bank of features',
    'odc': 'labels and centroids that move at each step',
    'adco': 'negatives that the optimiser trains',
    'mpl': 'a teacher, averaged weights, two orders of images',
}


def train_method(work_dir: Path, method: str, *hooks: dict) -> None:
    module = test_partly_labeled if method == 'mpl' else test_baselines
    config = module.two_epochs(method, work_dir)
    changes = BY_ITERATION | dict(default_hooks__checkpoint__interval=3)
    config.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    train_config(config, hooks)


def ends(work_dir: Path) -> list[dict[str, str]]:
    """Hashes of what the run holds, and of its last checkpoint."""
    return [torch.load(work_dir / 'end_0.pth'), state_of(work_dir / 'iter_8.pth')]


@pytest.mark.slow
@pytest.mark.parametrize(
    'method',
    # The last is slow by its many steps.
    [pytest.param(each, marks=[pytest.mark.nightly] * (each == 'mpl')) for each in METHODS],
)
def test_killed_inside_an_epoch(method, tmp_path):
    test_baselines.skip_without_kmeans(method)
    whole, killed = tmp_path / 'whole', tmp_path / 'killed'
    assert run_ranks(train_method, whole, method) == [0]
    kill = dict(type='KillHook', iteration=6, stage='step')
    assert run_ranks(train_method, killed, method, kill) == [-signal.SIGKILL]
    assert not (killed / 'iter_7.pth').exists()
    assert run_ranks(train_method, killed, method) == [0]
    assert ends(killed) == ends(whole)
