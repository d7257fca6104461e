"""mmengine's runner, for signals to a whole process group and a disk that may be full."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmrcl.registry import RUNNERS


@RUNNERS.register_module()
class FaultTolerantRunner(Runner):
    """mmengine's ``Runner`` with two changes.

    - Loader workers leave the process group. Ctrl-C and torch's launcher send a signal to the whole
      group: it asks the main process to save, which needs its workers to the end of the step. If
      the main process dies, workers notice within 5 seconds.
    - Log file and console report once that they cannot be written, where Python's handlers print a
      traceback for each line.
    """

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build a logger whose files may be on a full disk."""
        logger = super().build_logger(*args, **kwargs)
        logger.handlers = [_lasting(handler) for handler in logger.handlers]
        return logger

    @staticmethod
    def build_dataloader(*args: Any, **kwargs: Any) -> DataLoader:
        """Build a loader whose workers are in process groups of their own."""
        loader = Runner.build_dataloader(*args, **kwargs)
        loader.worker_init_fn = partial(_leave_group, loader.worker_init_fn)
        return loader


def _leave_group(initialize: Callable[[int], None] | None, worker: int) -> None:
    os.setpgid(0, 0)
    if initialize is not None:
        initialize(worker)


class _ReportOnce(logging.Handler):
    """A handler that reports its first ``OSError``, and is silent about the others."""

    _reported = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Report an ``OSError`` once, and other errors as Python does."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._reported:
            self._reported = True
            # stderr may be redirected to the same disk.
            with contextlib.suppress(OSError):
                print(f'{self} cannot be written ({error}).', file=sys.stderr)


class _Console(_ReportOnce, logging.StreamHandler):
    """A console, or the file that it is redirected to."""


class _LogFile(_ReportOnce, logging.FileHandler):
    """A log file."""


def _lasting(handler: logging.Handler) -> logging.Handler:
    """Return a handler for the same place that survives a full disk."""
    found: logging.Handler
    if type(handler) is logging.FileHandler:
        handler.close()
        found = _LogFile(handler.baseFilename, 'a')
    elif type(handler) is logging.StreamHandler:
        found = _Console(handler.stream)
    else:
        return handler
    found.setFormatter(handler.formatter)
    found.setLevel(handler.level)
    for each in handler.filters:
        found.addFilter(each)
    return found
