"""Peak memory of a training on the CPU, beside mmengine's own figure for GPUs."""

import re
import resource
import sys
from pathlib import Path

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.registry import HOOKS

from ..scalars import log_scalars

_STATUS = Path('/proc/self/status')


@HOOKS.register_module()
class PeakMemoryHook(Hook):
    """Log the peak memory of the process in MB as ``memory``, after each epoch.

    On a GPU mmengine's logger logs the memory of tensors under this name, and the hook does
    nothing. On the CPU it is the resident memory of the whole process since it started, of which
    the libraries alone take a few hundred MB, without that of the loader's workers.
    """

    def after_train_epoch(self, runner: Runner) -> None:
        """Log the peak of the process so far."""
        if not torch.cuda.is_available():
            log_scalars(runner, {'memory': peak_memory()}, runner.epoch + 1)


def peak_memory() -> float:
    """Return the peak resident memory of this process in MB.

    On Linux ``getrusage`` would count the process that started this one, whose memory it keeps
    over ``exec``.
    """
    if _STATUS.is_file() and (found := re.search(r'VmHWM:\s+(\d+) kB', _STATUS.read_text())):
        return int(found[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == 'darwin' else 1024)
