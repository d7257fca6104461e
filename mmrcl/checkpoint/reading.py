"""Reading of checkpoints as data, so that a file cannot run code.

A pickle may name any function of Python and have it called. ``torch.load(weights_only=True)`` takes
tensors, numbers, text and containers of them alone; :data:`SAFE_TYPES` adds what checkpoints of
mmengine hold besides.
"""

import os
import pickle
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader
from torch.serialization import add_safe_globals, clear_safe_globals, get_safe_globals

from mmrcl.errors import TrainingError

TRUST = 'trust=True (--trust-checkpoint)'

_FORCE = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
# mmengine's loaders by the beginning of a path, before `guard_mmengine` replaces them.
_LOADERS = dict(CheckpointLoader._schemes)


class _History(HistoryBuffer):
    """Stand-in for ``HistoryBuffer``, whose own unpickling lets a file replace its methods."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        HistoryBuffer.__init__(
            self, state['_log_history'], state['_count_history'], state['max_length']
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return HistoryBuffer, (*self.data, self.max_length)


def _no_attribute(owner: Any, name: str) -> None:
    """Stand-in for ``getattr``, by which a ``HistoryBuffer`` names its methods."""


def _renamed(stand_in: Any, original: Any) -> Any:
    """Give a stand-in the name by which torch looks up a type of a pickle."""
    stand_in.__module__ = original.__module__
    stand_in.__name__ = stand_in.__qualname__ = original.__qualname__
    return stand_in


SAFE_TYPES = (
    _renamed(_History, HistoryBuffer),
    _renamed(_no_attribute, getattr),
    np.ndarray,
    np.empty(0).__reduce__()[0],
    np.float64().__reduce__()[0],
    np.dtype,
    *(type(np.dtype(name)) for name in ('bool', 'int32', 'int64', 'float32', 'float64')),
)
"""Types and functions that a checkpoint may name beside torch's own; none runs what it is given."""


def is_whole(path: Path) -> bool:
    """Return whether a file of torch.save is complete: the zip directory is at its end."""
    return zipfile.is_zipfile(path)


def read_checkpoint(
    path: str | Path,
    map_location: str | torch.device = 'cpu',
    trust: bool = False,
    mmap: bool = False,
) -> Any:
    """Read a checkpoint file, as data unless it is trusted.

    Args:
        path: a file, a URL or another name that mmengine reads, such as ``torchvision://resnet50``.
        map_location: device of its tensors.
        trust: unpickle everything in the file, which runs code that it may contain.
        mmap: read the tensors of a local file when they are used.

    Returns:
        What was saved, for a training a dict with ``state_dict``, ``meta`` and others.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is damaged or holds more than data.
    """
    try:
        return _load(str(path), map_location, trust, mmap)
    except FileNotFoundError:
        raise
    except Exception as error:  # Unpickling an arbitrary file can raise anything.
        raise ValueError(_reason(str(path), error)) from error


def _load(path: str, map_location: str | torch.device, trust: bool, mmap: bool) -> Any:
    remote = '://' in path
    if not remote:
        file = Path(path).expanduser()
        if not file.is_file():
            raise FileNotFoundError(f'{path} does not exist')
    with _safe_types(), _forced(remote and not trust):
        if not remote:
            return torch.load(file, map_location, weights_only=not trust, mmap=mmap)
        loader = next(load for start, load in _LOADERS.items() if re.match(start, path))
        return loader(path, map_location)


@contextmanager
def _safe_types() -> Iterator[None]:
    added = [kind for kind in SAFE_TYPES if kind not in get_safe_globals()]
    add_safe_globals(added)
    try:
        yield
    finally:
        others = [kind for kind in get_safe_globals() if kind not in added]
        clear_safe_globals()
        add_safe_globals(others)


@contextmanager
def _forced(weights_only: bool) -> Iterator[None]:
    """Have ``torch.load`` read data alone, also if mmengine or torch.hub ask for everything."""
    before = os.environ.get(_FORCE)
    if weights_only:
        os.environ[_FORCE] = '1'
    try:
        yield
    finally:
        if before is not None:
            os.environ[_FORCE] = before
        else:
            os.environ.pop(_FORCE, None)


def _reason(path: str, error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):
        if found := re.search(r'GLOBAL (\S+)', str(error)):
            return _refusal(path, found[1])
        if '://' not in path and is_whole(Path(path).expanduser()):
            return _refusal(path, 'what torch does not read as data')
        # torch's text recommends to read such a file without its checks.
        return f'{path} is torn or no checkpoint: torch.save has not written it'
    lines = str(error).splitlines() or [type(error).__name__]
    return f'{path} is torn or no checkpoint: {lines[0]}'


def _refusal(path: str, name: str) -> str:
    return (
        f'{path} holds {name}, which can run code: pass {TRUST} if you trust the source of the file'
    )


def guard_mmengine(trust: bool = False) -> None:
    """Make mmengine read all checkpoints by :func:`read_checkpoint`, in this process.

    It covers ``Runner.resume``, ``load_from`` and ``init_cfg=dict(type='Pretrained')``.

    Args:
        trust: give mmengine its own readers back, which run code that a file may contain.
    """
    for start, loader in _LOADERS.items():
        chosen = loader if trust else load_from_weights_only
        CheckpointLoader.register_scheme(start, chosen, force=True)


def load_from_weights_only(path: str, map_location: Any = None) -> Any:
    """Read a checkpoint for mmengine, which names this reader in its log.

    Raises:
        TrainingError: if the file is damaged or holds more than data.
    """
    try:
        content = read_checkpoint(path, map_location)
    except ValueError as error:
        raise TrainingError(error) from error
    # mmengine executes this entry when it resumes. Its own files have no such entry.
    if isinstance(content, dict) and isinstance(content.get('meta'), dict):
        content['meta'].pop('config', None)
    return content
