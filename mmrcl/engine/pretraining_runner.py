"""mmengine's runner with a short console and one sentence for a setting that cannot work."""

import logging
from typing import Any

from mmengine.logging import MMLogger
from mmengine.runner import Runner

from .setting_errors import setting_errors

# Starts and ends of long or idle records of mmengine.
_DETAILS = (
    f'\n{"-" * 60}\nSystem environment:',
    'Config:\n',
    'Hooks will be executed in the following order:',
    'paramwise_options -- ',
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
)
_ENDS = ('is skipped since its requires_grad=False',)


def _is_brief(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    return not (text.startswith(_DETAILS) or text.endswith(_ENDS))


class PretrainingRunner(Runner):
    """mmengine's ``Runner``, of which the console shows what a user needs.

    - Environment, config, order of the hooks and options of single parameters are written to the
      log file only.
    - What hooks and the checkpoint reject before the first iteration is raised as
      :class:`mmrcl.errors.ConfigError`.
    """

    def build_logger(self, *args: Any, **kwargs: Any) -> MMLogger:
        """Build the logger; its console leaves out the details."""
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.addFilter(_is_brief)
        logger.info(f'Config and environment are in {logger.log_file}')
        return logger

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
