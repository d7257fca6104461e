"""Tiny runs of two ranks by ``tools/dist_train.sh``."""

import socket
from pathlib import Path

from ..commands import ROOT
from ..runs import CONFIG, TINY
from ..terminal import Terminal


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def launch(work_dir: Path, **changes: object) -> Terminal:
    """Starts a run, or continues it, with the settings of ``tiny_config``."""
    settings = TINY | {'train_dataloader.batch_size': 16}
    settings |= {key.replace('__', '.'): value for key, value in changes.items()}
    script = ROOT / 'tools/dist_train.sh'
    options = [f'{key}={value}' for key, value in settings.items()]
    return Terminal(
        'bash', script, CONFIG, 2, '--work-dir', work_dir, '--resume', '--cfg-options', *options,
        PORT=free_port(), OMP_NUM_THREADS='1',
    )  # fmt: skip
