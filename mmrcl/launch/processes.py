"""The processes of a run: their group, their launcher, and the lock on their work dir."""

import contextlib
import fcntl
import functools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TextIO, TypeVar

import torch
from mmengine.config import Config
from mmengine.dist import broadcast_object_list, init_dist, is_distributed, is_main_process
from mmengine.logging import print_log
from mmengine.utils.dl_utils import set_multi_processing

from mmrcl.errors import ConfigError
from mmrcl.preemption import LAUNCHER

from .config_checks import check_sync_bn
from .start_checks import check_launcher, check_work_dir

Value = TypeVar('Value')

_LOCK_FILE = 'run.lock'


def start_processes(config: Config) -> None:
    """Initialise the process group of a distributed run, with gloo if there is no CUDA.

    mmengine's own initialisation requires CUDA, but it accepts an existing group. From here on
    the process ends when its launcher dies: torch's, or a grid of an ablation.

    Raises:
        ConfigError: if no launcher has started this process, or for SyncBN without CUDA.
    """
    check_launcher(config.launcher)
    _watch_launcher()
    if config.launcher == 'none':
        return
    if not torch.cuda.is_available():
        check_sync_bn(config)
        wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
        config.setdefault('model_wrapper_cfg', wrapper)
    if is_distributed():
        return
    environment = config.get('env_cfg', {})
    options = environment.get('dist_cfg', {})
    if torch.cuda.is_available():
        # mmengine's order: the first sets how processes start, unless the second has.
        set_multi_processing(**environment.get('mp_cfg', {}), distributed=True)
        init_dist(config.launcher, **options)
    else:
        seconds = options.get('timeout', 1800)
        torch.distributed.init_process_group('gloo', timeout=timedelta(seconds=seconds))


@functools.cache
def _watch_launcher() -> None:
    by_torch = 'TORCHELASTIC_RUN_ID' in os.environ
    if by_torch or LAUNCHER in os.environ:
        launcher = os.getppid() if by_torch else int(os.environ[LAUNCHER])
        threading.Thread(target=_end_after, args=(launcher,), daemon=True).start()


def _end_after(launcher: int) -> None:
    """End this process, even in a collective operation, soon after its launcher has died."""
    while os.getppid() == launcher:
        time.sleep(0.5)
    os.write(2, b'error: the launcher has died, so this process ends: continue with --resume\n')
    os._exit(1)


def on_main_process(function: Callable[[], Value]) -> Value:
    """Call a function in the main process, and return what it returns in all.

    Raises:
        ConfigError: in all processes, if the function raises it.
    """
    found: list[Value | ConfigError | None] = [None]
    if is_main_process():
        try:
            found = [function()]
        except ConfigError as error:
            found = [error]
    broadcast_object_list(found)
    [result] = found
    if isinstance(result, ConfigError):
        raise result
    return result  # type: ignore[return-value]


@contextlib.contextmanager
def locked(work_dir: str) -> Iterator[None]:
    """Keep other trainings out of a work dir, until the context or the main process ends.

    Raises:
        ConfigError: in all processes, if another run writes there, or if nobody can.
    """
    with contextlib.ExitStack() as stack:

        def lock() -> None:
            stack.enter_context(_lock(Path(work_dir)))

        on_main_process(lock)
        yield


def _lock(work_dir: Path) -> TextIO:
    check_work_dir(str(work_dir))
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        file = Path(work_dir, _LOCK_FILE).open('a+')  # noqa: SIM115  open as long as the lock
        _take(file, work_dir)
        file.truncate(0)
        now = datetime.now().isoformat(' ', 'seconds')
        file.write(f'process {os.getpid()} on {socket.gethostname()} since {now}')
        file.flush()
    except OSError as error:
        raise ConfigError(f'work dir {work_dir} cannot be written: {error}') from error
    return file


def _take(file: TextIO, work_dir: Path) -> None:
    try:
        # Loader workers would inherit flock's lock, and outlive a killed process by seconds.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        file.seek(0)
        raise ConfigError(
            f'work dir {work_dir} is in use by {file.read() or "another run"}: wait until it '
            'ends, stop it, or use another work dir'
        ) from error
    except OSError as error:
        message = f'{work_dir} cannot be locked ({error}): let no other run write into it'
        print_log(message, 'current', logging.WARNING)
