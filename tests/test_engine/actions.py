"""What tests do to a run from within, in a process of their own."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.clustering import LabelHierarchy
from mmrcl.engine import HierarchicalClusteringHook, PreemptionHook
from mmrcl.registry import HOOKS


def is_rank(rank: int) -> bool:
    """Whether this is the process of a rank."""
    return int(os.environ.get('RANK', '0')) == rank


def disk_full(runner: Runner) -> None:
    """From here on nothing can be written to any file, logs included."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def disk_mended(runner: Runner | None = None) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)


def spoil_images(runner: Runner) -> None:
    model = getattr(runner.model, 'module', runner.model)
    with torch.no_grad():
        model.data_preprocessor.mean.fill_(torch.nan)


def spoil_photos(runner: Runner) -> None:
    for path in Path(runner.train_dataloader.dataset.dataset.data_root).glob('*0.png'):
        path.write_bytes(path.read_bytes()[:60])


def received(runner: Runner) -> None:
    """Wait for a signal sent to this process, which the kernel may hand to a thread that sleeps."""
    [hook] = [each for each in runner.hooks if isinstance(each, PreemptionHook)]
    while not hook.received:
        time.sleep(0.01)


def sigterm(runner: Runner) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    received(runner)


def sigint(runner: Runner) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    received(runner)


def sigterm_to_group(runner: Runner) -> None:
    # From another process: torch's workers end quietly where their parent is the sender.
    subprocess.run(['kill', '-TERM', '--', f'-{os.getpgrp()}'], start_new_session=True, check=True)
    received(runner)


def sigusr1(runner: Runner) -> None:
    os.kill(os.getpid(), signal.SIGUSR1)
    received(runner)


def hang(runner: Runner) -> None:
    time.sleep(200)


@HOOKS.register_module()
class DoHook(Hook):
    """Calls a function of this module before an iteration, in the processes of some ranks."""

    def __init__(self, action: str, iteration: int, ranks: tuple[int, ...]) -> None:
        self.action = globals()[action]
        self.iteration = iteration
        self.ranks = ranks

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        if runner.iter == self.iteration and any(map(is_rank, self.ranks)):
            self.action(runner)


@HOOKS.register_module()
class KillHook(Hook):
    """Ends its process by SIGKILL at an iteration.

    Args:
        iteration: when.
        stage: ``'forward'`` before the step, ``'step'`` after it and before anything is noted,
            ``'epoch'`` after the hooks that start an epoch, ``'saving'`` when a checkpoint is
            written but has no name yet.
        rank: of the process that dies.
    """

    priority = 'LOWEST'

    def __init__(self, iteration: int, stage: str, rank: int = 0) -> None:
        self.iteration = iteration
        self.stage = stage if is_rank(rank) else ''
        if stage == 'step':
            self.priority = 'HIGHEST'

    def _kill(self, runner: Runner, stage: str) -> None:
        if stage == self.stage and runner.iter >= self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self._kill(runner, 'forward')

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        self._kill(runner, 'step')

    def before_train_epoch(self, runner: Runner) -> None:
        self._kill(runner, 'epoch')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if self.stage == 'saving' and runner.iter >= self.iteration:
            os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class RecordHook(Hook):
    """Saves as ``record.pth`` what a run went through, as its first process knows it.

    ``losses`` and ``rates`` of each iteration, ``refined``, the images of each call of the refiner,
    and at the end ``labels`` and the images of the ``queue``.
    """

    def before_train(self, runner: Runner) -> None:
        self.record: dict[str, list] = dict(losses=[], rates=[], refined=[])
        [clustering_hook] = [
            hook for hook in runner.hooks if isinstance(hook, HierarchicalClusteringHook)
        ]
        refine = clustering_hook.refiner.refine

        def recorded(hierarchy: LabelHierarchy, images: torch.Tensor) -> Any:
            self.record['refined'].append(images)
            return refine(hierarchy, images)

        clustering_hook.refiner.refine = recorded

    def after_train_iter(self, runner: Runner, *args: Any, outputs: Any, **kwargs: Any) -> None:
        loss = outputs['loss'].detach().clone()
        all_reduce(loss, 'mean')
        self.record['losses'].append(loss)
        self.record['rates'].append(runner.optim_wrapper.get_lr()['lr'][0])

    def after_train(self, runner: Runner) -> None:
        model = getattr(runner.model, 'module', runner.model)
        self.record['losses'] = torch.stack(self.record['losses'])
        self.record['rates'] = torch.tensor(self.record['rates'])
        found = dict(self.record, labels=model.hierarchy.labels, queue=model.queue.indices)
        if is_rank(0):
            torch.save(found, Path(runner.work_dir, 'record.pth'))
