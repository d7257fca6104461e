"""Tiny runs in processes of their own, which can be killed, and hashes of how they end."""

import hashlib
import multiprocessing
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from mmrcl.errors import TrainingError

from ..runs import tiny_config, train
from ..tiers import check_slow
from . import actions  # registers its hooks

BY_ITERATION = dict(
    default_hooks__checkpoint__by_epoch=False,
    default_hooks__checkpoint__max_keep_ckpts=2,
)

# A server imports everything once; its children start in no time and share no threads with pytest.
_context = multiprocessing.get_context('forkserver')
_context.set_forkserver_preload(['tests.test_engine.children'])


def run_ranks(
    function: Callable, *args: Any, ranks: int = 1, timeout: float = 300, grace: float = 200
) -> list[int]:
    """Exit codes of processes that call ``function(*args)``; minus the signal if killed by one.

    Args:
        function: what each process calls.
        *args: its arguments.
        ranks: number of processes.
        timeout: seconds until the first has to end.
        grace: seconds that the others have from then on before they are killed.
    """
    check_slow('trains in another process')
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    processes = [
        _context.Process(target=_rank, args=(rank, ranks, port, function, args))
        for rank in range(ranks)
    ]
    for process in processes:
        process.start()
    connection.wait([process.sentinel for process in processes], timeout)
    end = time.monotonic() + grace
    for process in processes:
        process.join(max(0, end - time.monotonic()))
        process.kill()
        process.join()
    return [process.exitcode for process in processes]


def _rank(rank: int, ranks: int, port: int, function: Callable, args: tuple) -> None:
    torch.set_num_threads(1)
    if ranks > 1:
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(ranks),
            MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port),
        )  # fmt: skip
    function(*args)


def digest(*values: Any) -> str:
    """A hash of every bit of nested states."""
    found = hashlib.sha256()
    for value in values:
        if isinstance(value, torch.Tensor):
            part = f'{value.dtype}{tuple(value.shape)}'.encode() + value.cpu().numpy().tobytes()
        elif isinstance(value, np.ndarray):
            part = value.tobytes()
        elif isinstance(value, dict):
            part = digest(*(item for key in sorted(value, key=str) for item in (key, value[key])))
        elif isinstance(value, (list, tuple)):
            part = digest(*value)
        else:
            part = repr(value)
        found.update(part if isinstance(part, bytes) else part.encode())
    return found.hexdigest()


def end_state(runner: Runner) -> dict[str, str]:
    """Hashes of all that a run holds at its end."""
    model = getattr(runner.model, 'module', runner.model)
    return dict(
        model=digest(model.state_dict()),
        optimizer=digest(runner.optim_wrapper.state_dict()),
        schedules=digest([scheduler.state_dict() for scheduler in runner.param_schedulers]),
        random=digest(torch.get_rng_state(), random.getstate(), np.random.get_state()),
        place=f'{runner.epoch} {runner.iter}',
    )


def train_tiny(work_dir: Path, changes: dict, hooks: Sequence[dict] = ()) -> None:
    """Trains a tiny run to its end, from its last checkpoint if there is one."""
    train_config(tiny_config(work_dir, **changes), hooks)


def train_config(config: Config, hooks: Sequence[dict] = ()) -> None:
    """Trains to the end, from the last checkpoint if there is one, with further hooks."""
    config.resume = True
    config.experiment_name = f'run_{os.getpid()}'
    if 'RANK' in os.environ:
        config.launcher = 'pytorch'
    config.custom_hooks = [*config.get('custom_hooks', []), *hooks]
    runner = train(config)
    torch.save(end_state(runner), Path(config.work_dir, f'end_{os.environ.get("RANK", 0)}.pth'))


def train_in_a_group(work_dir: Path, changes: dict, hooks: Sequence[dict]) -> None:
    """Trains as the leader of a process group, as torch's launcher and a terminal start a run."""
    os.setpgid(0, 0)
    train_tiny(work_dir, changes, hooks)


def ends_with_a_sentence(work_dir: Path, changes: dict, hooks: Sequence[dict]) -> None:
    """Trains, and leaves the message of the error that stops it in a file."""
    try:
        train_tiny(work_dir, changes, hooks)
    except TrainingError as error:
        actions.disk_mended()
        (work_dir / f'error_{os.environ.get("RANK", 0)}').write_text(str(error))
        raise SystemExit(3) from error
