"""Handlers of a run's log: a short console, and places that may be on a full disk."""

import contextlib
import logging
import sys

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


def robust_handler(handler: logging.Handler) -> logging.Handler:
    """Return a handler for the same place that reports once that it cannot be written.

    A console leaves out mmengine's records of environment, config, hooks and single parameters.
    """
    found: logging.Handler
    if type(handler) is logging.FileHandler:
        handler.close()
        found = _LogFile(handler.baseFilename, 'a')
    elif type(handler) is logging.StreamHandler:
        found = _Console(handler.stream)
        found.addFilter(_is_brief)
    else:
        return handler
    found.setFormatter(handler.formatter)
    found.setLevel(handler.level)
    for each in handler.filters:
        found.addFilter(each)
    return found


def _is_brief(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    return not (text.startswith(_DETAILS) or text.endswith(_ENDS))
