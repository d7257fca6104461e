"""Writing to a disk that may be full: a run reports it and goes on."""

import logging
from collections.abc import Callable
from types import TracebackType

from mmengine.dist import broadcast_object_list
from mmengine.logging import print_log


class ReportedOnce:
    """A context that swallows each ``OSError`` of a writer, and logs the first as a warning.

    Args:
        what: what is written, for the message.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._reported = False

    def __enter__(self) -> None:
        """Begin to write."""

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Log an ``OSError`` unless one was logged before."""
        if not isinstance(error, OSError):
            return False
        if not self._reported:
            self._reported = True
            message = f'{self.what} cannot be written ({error}). Training continues without.'
            print_log(message, 'current', logging.WARNING)
        return True


def failure_to_write(write: Callable[[], object]) -> OSError | None:
    """Call ``write`` on all ranks, and return on all of them what failed on the main one."""
    failed: list[OSError | None] = [None]
    try:
        write()
    except OSError as error:
        failed = [error]
    broadcast_object_list(failed)
    return failed[0]
