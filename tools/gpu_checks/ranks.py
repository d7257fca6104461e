"""Functions in processes of a group of their own."""

import contextlib
import io
import multiprocessing
import tempfile
import traceback
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from .results import Place

SECONDS = 180


class ChildError(Exception):
    """What a process reported when it failed."""


def context(place: Place) -> Any:
    """Return how processes start here: CUDA cannot start in one that was forked."""
    if place.on_gpu:
        return multiprocessing.get_context('spawn')
    server = multiprocessing.get_context('forkserver')
    server.set_forkserver_preload(['mmrcl.launch'])
    return server


def on_ranks(
    function: Callable[..., Any], place: Place, backend: str, *args: Any, devices: int = 1
) -> list[Any]:
    """Return what ``function(place, rank, *args)`` returns in two processes of a group.

    Args:
        function: of the top level of a module.
        place: device and size.
        backend: of the group.
        args: further arguments.
        devices: GPUs that the processes use in turn.

    Raises:
        ChildError: with the traceback of a process that fails, ends early or takes too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        init = f'file://{Path(folder, "group")}'
        return in_processes(
            place,
            [
                (_rank, (function, place, backend, init, rank, rank % devices, args))
                for rank in range(2)
            ],
        )


def in_processes(place: Place, jobs: list[tuple[Callable[..., Any], tuple]]) -> list[Any]:
    """Return what functions return, each called in a process of its own at the same time."""
    started = []
    for function, args in jobs:
        receiver, sender = context(place).Pipe(duplex=False)
        process = context(place).Process(target=_report, args=(sender, function, args))
        process.start()
        sender.close()
        started.append((process, receiver))
    try:
        return [_received(*each) for each in started]
    finally:
        for process, _ in started:
            process.kill()
            process.join()


def _received(process: Any, receiver: Connection) -> Any:
    if not wait([receiver], SECONDS):
        raise ChildError(f'a process did not end within {SECONDS} s')
    try:
        failed, value = receiver.recv()
    except EOFError:
        process.join()
        raise ChildError(f'a process ended with code {process.exitcode}') from None
    if failed:
        raise ChildError(value)
    return value


def _report(sender: Connection, function: Callable[..., Any], args: tuple) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            sender.send((False, function(*args)))
        except Exception as error:
            sender.send((True, f'{error}\n{traceback.format_exc()}'))


def _rank(
    function: Callable[..., Any],
    place: Place,
    backend: str,
    init: str,
    rank: int,
    device: int,
    args: tuple,
) -> Any:
    if place.on_gpu:
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)
    timeout = timedelta(seconds=SECONDS / 2)
    dist.init_process_group(backend, init, timeout, world_size=2, rank=rank)
    try:
        return function(place, rank, *args)
    finally:
        dist.destroy_process_group()
