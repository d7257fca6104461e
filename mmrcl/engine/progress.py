"""Progress bars with the time left, on the main process alone."""

from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.dist import is_main_process
from mmengine.utils import ProgressBar

# A bar for a second's work, several times an epoch, would bury the log.
_STEPS_WITHOUT_BAR = 20


def progress(items: Any, what: str) -> Iterable[Any]:
    """Passes ``items``, of known length, through; shows how many are done and the time left.

    A :class:`mmrcl.clustering.sharing.Progress`.
    """
    if len(items) <= _STEPS_WITHOUT_BAR or not is_main_process():
        return items
    return _with_bar(items, what)


def _with_bar(items: Any, what: str) -> Iterator[Any]:
    print(what)
    bar = ProgressBar(len(items))
    for item in items:
        yield item
        bar.update()
    bar.file.write('\n')
