"""Logging of a test on a disk that may be full."""

from typing import Any

from mmengine.hooks import LoggerHook as MMEngineLoggerHook
from mmengine.runner import Runner

from mmrcl.disk import ReportedOnce
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class LoggerHook(MMEngineLoggerHook):
    """mmengine's ``LoggerHook``, whose copies of the results may fail without an end of the run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._written = ReportedOnce('the results of a test, or the copies of the logs in out_dir')

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Log the metrics, and write them to a file."""
        with self._written:
            super().after_test_epoch(runner, metrics)

    def after_run(self, runner: Runner) -> None:
        """Close the visualiser, and copy the logs to ``out_dir`` if it is set."""
        with self._written:
            super().after_run(runner)
