"""Progress of long computations on the console."""

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.dist import is_main_process
from mmengine.utils import ProgressBar

# Short loops run several times an epoch; a bar for each would flood the log.
_STEPS_WITHOUT_BAR = 20
_UPDATES = 100
_UPDATES_OF_A_LOG = 10


def progress(items: Any, what: str) -> Iterable[Any]:
    """Yield ``items``, of known length, and show how many are done and the time left.

    Only the main process shows it. Implements :class:`mmrcl.clustering.sharing.Progress`.
    """
    if len(items) <= _STEPS_WITHOUT_BAR or not is_main_process():
        return items
    return _with_bar(items, what)


class _Console:
    """Standard output, which may be redirected to a file on a full disk."""

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            sys.stdout.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stdout.flush()


def _with_bar(items: Any, what: str) -> Iterator[Any]:
    console = _Console()
    print(what, file=console)
    bar = ProgressBar(len(items), file=console)
    updates = _UPDATES if sys.stdout.isatty() else _UPDATES_OF_A_LOG
    stride = -(-len(items) // updates)
    try:
        for done, item in enumerate(items, 1):
            yield item
            if done % stride == 0 or done == len(items):
                bar.update(done - bar.completed)
    finally:
        print(file=console)


@contextlib.contextmanager
def stage(title: str) -> Iterator[None]:
    """Print the title of a stage of a script, and afterwards how long it took."""
    print(f'\n{title}', flush=True)
    start = time.time()
    yield
    print(f'  done in {time.time() - start:.0f} s', flush=True)
