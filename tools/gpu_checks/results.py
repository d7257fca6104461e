"""What a check gets and what becomes of it."""

import contextlib
import gc
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

Value = TypeVar('Value')
# The remedy where the device disagrees with the CPU or with itself.
ONE_KIND = (
    'use GPUs of one kind in a run, and report the failure with the versions of the first check'
)
IMAGENET = 1_281_167  # training images


@dataclass(frozen=True)
class Place:
    """Where a check runs, and how large.

    Attributes:
        device: ``'cuda'`` or ``'cpu'``.
        toy: tiny sizes, at which no time or memory is judged.
    """

    device: str
    toy: bool

    @property
    def on_gpu(self) -> bool:
        return self.device == 'cuda'

    def size(self, full: Value, toy: Value) -> Value:
        return toy if self.toy else full

    def judge(self, holds: bool) -> bool:
        """Return whether a measured time or amount of memory is good enough."""
        return self.toy or holds

    def need_gpu(self, what: str) -> None:
        if not self.on_gpu:
            raise Skip(f'{what} needs a GPU')


class Skip(Exception):
    """Raised by a check that cannot run here, with the reason."""


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        passed: whether all is as it should be.
        figures: what was measured, by name and unit.
        remedy: what to do if it is not.
    """

    passed: bool
    figures: Mapping[str, Any]
    remedy: str


Check = Callable[[Place], Finding]


@dataclass(frozen=True)
class Result:
    """A line of the report: ``PASS``, ``FAIL`` with a remedy or ``SKIP`` with a reason."""

    name: str
    outcome: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    remedy: str = ''
    seconds: float = 0.0
    details: str = ''

    def line(self) -> str:
        """Format the result as one line, with the remedy of a failure or the reason of a skip."""
        parts = [f'{name} {shown(value)}' for name, value in self.figures.items()]
        parts += [self.remedy] * (self.outcome != 'PASS')
        return f'{self.outcome}  {self.name}: {"; ".join(filter(None, parts))}'


def shown(value: Any) -> str:
    """Format a figure: numbers by 4 digits, lists by commas."""
    if isinstance(value, float):
        return f'{value:.4g}'
    if isinstance(value, Mapping):
        return ', '.join(f'{key} {shown(item)}' for key, item in value.items()) or 'none'
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ', '.join(map(shown, value)) or 'none'
    return str(value)


def run_check(name: str, check: Check, place: Place) -> Result:
    """Run a check, whatever happens in it."""
    start = time.perf_counter()
    details = ''
    try:
        found = check(place)
        outcome = 'PASS' if found.passed else 'FAIL'
        figures, remedy = dict(found.figures), '' if found.passed else found.remedy
    except Skip as reason:
        outcome, figures, remedy = 'SKIP', {}, str(reason)
    except ModuleNotFoundError as error:
        outcome, figures, remedy = 'SKIP', {}, missing(error)
    except Exception as error:
        outcome, details = 'FAIL', traceback.format_exc()
        figures = dict(error=f'{type(error).__name__}: {first_line(error)}')
        remedy = 'the traceback is in the JSON file (--out)'
    return Result(name, outcome, figures, remedy, time.perf_counter() - start, details)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [''])[0]


def missing(error: ModuleNotFoundError) -> str:
    """Return the reason of a skip for a package that is not installed."""
    return f'{(error.name or str(error)).split(".")[0]} is not installed'


def out_of_memory(job: Callable[[], Value]) -> Value | None:
    """Run a job, and return None if the memory of the GPU does not suffice."""
    value = None
    with contextlib.suppress(torch.cuda.OutOfMemoryError):
        value = job()
    # The next job finds the memory free, also what cycles of a failed one held.
    gc.collect()
    torch.cuda.empty_cache()
    return value
