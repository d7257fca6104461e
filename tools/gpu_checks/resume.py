"""A run that is killed and resumed, against a whole one."""

import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook

from mmrcl.features import unwrapped
from mmrcl.launch import build_runner, prepare_training, read_config

from .ranks import ChildError, in_processes
from .results import Check, Finding, Place
from .steps import CONFIGS

DIGITS = 'rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'
# 18 steps in 3 epochs; clusters are refined in the last two.
SETTINGS = {
    'model.queue.length': 192,
    'train_dataloader.batch_size': 32,
    'train_dataloader.dataset.indices': 192,
    'default_hooks.clustering.dataloader.dataset.indices': 192,
    'default_hooks.clustering.warmup_epochs': 1,
    'default_hooks.checkpoint.interval': 1,
    'train_cfg.max_epochs': 3,
}
MEASURING = ('knn', 'collapse', 'pair_monitor', 'hierarchy_monitor')
KILLED_AT = 15


class KillHook(Hook):
    """Kill the process before a step."""

    def before_train_iter(self, runner: Any, *_: Any, **__: Any) -> None:
        """Send SIGKILL, which nothing can catch."""
        if runner.iter == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)


def train(work_dir: str, deterministic: bool, kill: bool) -> None:
    """Train the digits config from its last checkpoint, if any, and save the end state."""
    os.environ['CUBLAS_WORKSPACE_CONFIG'] = ':4096:8'
    config = read_config(str(CONFIGS / DIGITS))
    config.merge_from_dict(SETTINGS)
    for name in MEASURING:
        config.default_hooks.pop(name, None)
    config.update(work_dir=work_dir, launcher='none', log_level='ERROR')
    config.randomness = dict(seed=0, deterministic=deterministic)
    prepare_training(config, 'auto', None, False)
    runner = build_runner(config, train=True)
    if kill:
        runner.register_hook(KillHook())
    runner.train()
    state = {name: each.cpu() for name, each in unwrapped(runner.model).state_dict().items()}
    torch.save(state, Path(work_dir, 'end.pth'))


def differences(place: Place, folder: str, deterministic: bool) -> dict[str, Any]:
    """Compare a whole run with one that is killed and resumed."""
    whole, killed = (str(Path(folder, f'{name}{deterministic}')) for name in ('whole', 'killed'))
    in_processes(place, [(train, (whole, deterministic, False))])
    train_until_killed(place, killed, deterministic)
    in_processes(place, [(train, (killed, deterministic, False))])
    first, second = (torch.load(Path(each, 'end.pth')) for each in (whole, killed))
    unequal = [name for name in first if not torch.equal(first[name], second[name])]
    off = max((relative(first[name], second[name]) for name in unequal), default=0.0)
    return {'tensors': len(first), 'unequal': len(unequal), 'off by': off}


def train_until_killed(place: Place, work_dir: str, deterministic: bool) -> None:
    """Train in a process that kills itself.

    Raises:
        ChildError: if it ends in another way.
    """
    try:
        in_processes(place, [(train, (work_dir, deterministic, True))])
    except ChildError as error:
        if f'code {-signal.SIGKILL}' in str(error):
            return
        raise
    raise ChildError('the run ended before it was killed')


def relative(first: torch.Tensor, second: torch.Tensor) -> float:
    """Return the relative distance of two tensors."""
    first, second = first.double(), second.double()
    return float((first - second).norm() / second.norm().clamp(min=1e-12))


def resume(place: Place) -> Finding:
    """Resume with deterministic algorithms, or without where an operation has none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = differences(place, folder, deterministic=True)
        except ChildError as error:
            if 'deterministic' not in str(error):
                raise
            found = differences(place, folder, deterministic=False)
            figures = {'deterministic algorithms': str(error).splitlines()[0], **found}
            remedy = 'do without randomness.deterministic: a resumed run is then close, not equal'
            return Finding(False, figures, remedy)
    remedy = 'a resumed run is not the run that was killed: report the versions of the first check'
    return Finding(found['unequal'] == 0, found, remedy)


CHECKS: dict[str, Check] = {'kill and resume': resume}
