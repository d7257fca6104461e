"""mmengine's runner, with short messages, for signals and for a disk that may be full."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.logging import MMLogger
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmrcl.registry import RUNNERS

from .log_handlers import robust_handler
from .setting_errors import setting_errors


@RUNNERS.register_module()
class PretrainingRunner(Runner):
    """mmengine's ``Runner`` with these changes.

    - Environment, config, order of the hooks and options of single parameters are written to the
      log file only. Log file and console report once that they cannot be written, where Python's
      handlers print a traceback for each line.
    - A config file in the work dir, with its comments, is not replaced by its resolved form.
    - What hooks and the checkpoint reject before the first iteration is raised as
      :class:`mmrcl.errors.ConfigError`.
    - Loader workers leave the process group. Ctrl-C and torch's launcher send a signal to the whole
      group: it asks the main process to save, which needs its workers to the end of the step. If
      the main process dies, workers notice within 5 seconds.
    """

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build a logger with a short console, whose files may be on a full disk."""
        logger = super().build_logger(*args, **kwargs)
        logger.handlers = [robust_handler(handler) for handler in logger.handlers]
        logger.info(f'Config and environment are in {logger.log_file}')
        return logger

    @staticmethod
    def build_dataloader(*args: Any, **kwargs: Any) -> DataLoader:
        """Build a loader whose workers are in process groups of their own."""
        loader = Runner.build_dataloader(*args, **kwargs)
        loader.worker_init_fn = partial(_leave_group, loader.worker_init_fn)
        return loader

    def dump_config(self) -> None:
        """Write the config into the work dir, unless it was read from this very file."""
        read = self.cfg.filename
        if read is None or Path(read).resolve().parent != Path(self.work_dir).resolve():
            super().dump_config()

    def load_or_resume(self) -> None:
        """Load the checkpoint of ``load_from``.

        Raises:
            ConfigError: if it does not fit the run.
        """
        with setting_errors():
            super().load_or_resume()

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Call a point of all hooks.

        Raises:
            ConfigError: if a hook rejects a setting before the training.
        """
        if fn_name not in ('before_run', 'before_train'):
            super().call_hook(fn_name, **kwargs)
            return
        with setting_errors():
            super().call_hook(fn_name, **kwargs)


def _leave_group(initialize: Callable[[int], None] | None, worker: int) -> None:
    os.setpgid(0, 0)
    if initialize is not None:
        initialize(worker)
