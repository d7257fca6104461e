"""Functions that the benchmarks share: interleaved timing, peak memory, tables and CSV."""

import csv
import ctypes.util
import gc
import multiprocessing
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

Job = Callable[[], object]
Clock = Callable[[], float]
Row = Mapping[str, Any]


def machine(*packages: str) -> str:
    """Describe processor, threads, accelerator and the versions of torch and ``packages``."""
    name = _field('/proc/cpuinfo', 'model name') or platform.processor() or platform.machine()
    parts = [f'{name}, {torch.get_num_threads()} threads']
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    parts += [f'{package} {_version(package)}' for package in ('torch', *packages)]
    return f'Python {platform.python_version()}; ' + '; '.join(parts)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return 'not installed'


def synchronize() -> None:
    """Wait for the accelerator, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(job: Job, clock: Clock = time.perf_counter) -> float:
    """Measure the time of one call, by default wall time."""
    synchronize()
    start = clock()
    job()
    synchronize()
    return clock() - start


def times_in_turn(
    jobs: Mapping[str, Job],
    repeats: int,
    warmup: int = 1,
    before: Job = lambda: None,
    clock: Clock = time.perf_counter,
) -> dict[str, list[float]]:
    """Time ``repeats`` calls of each job, A B A B ..., so that drift affects all equally.

    Args:
        jobs: jobs by name.
        repeats: number of timed calls.
        warmup: number of calls before, not timed.
        before: called before each job, not timed.
        clock: returns seconds.
    """
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(warmup + repeats):
        for name, job in jobs.items():
            before()
            taken = seconds(job, clock)
            if turn >= warmup:
                times[name].append(taken)
    return times


def spread(values: Iterable[float], scale: float = 1.0, digits: int = 3) -> str:
    """Format the median with minimum and maximum."""
    ordered = sorted(scale * value for value in values)
    middle = statistics.median(ordered)
    return f'{middle:.{digits}g} ({ordered[0]:.{digits}g}-{ordered[-1]:.{digits}g})'


def quartiles(values: Iterable[float], scale: float = 1.0, digits: int = 3) -> str:
    """Format the median with the quartiles, which are robust to a few disturbed calls."""
    ordered = scale * torch.tensor(list(values), dtype=torch.float64)
    low, middle, high = ordered.quantile(ordered.new_tensor([0.25, 0.5, 0.75])).tolist()
    return f'{middle:.{digits}g} ({low:.{digits}g}-{high:.{digits}g})'


def peak_memory(prepare: Callable[..., Job], *args: Any) -> float:
    """Measure the peak memory in MiB that a job needs beyond its inputs, in a separate process.

    On a GPU it is the memory of torch's allocator. On a CPU it is the anonymous resident memory of
    the process, sampled every millisecond: the peak recorded by the kernel also counts pages of
    libraries, which vary.

    Args:
        prepare: top-level function that makes the inputs and returns the job.
        args: its arguments.

    Raises:
        RuntimeError: if the process fails.
    """
    context = multiprocessing.get_context('spawn')
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(
        target=_report_peak, args=(sender, torch.get_num_threads(), prepare, args)
    )
    child.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        raise RuntimeError(
            f'{prepare.__name__}{args} failed while its memory was measured'
        ) from None
    finally:
        child.join()


def _report_peak(sender: Any, threads: int, prepare: Callable[..., Job], args: tuple) -> None:
    torch.set_num_threads(threads)
    job = prepare(*args)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        job()
        sender.send((torch.cuda.max_memory_allocated() - before) / 2**20)
        return
    _return_free_memory()
    before = _anonymous()
    peak, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(1e-3):
            peak[0] = max(peak[0], _anonymous())

    watcher = threading.Thread(target=watch)
    watcher.start()
    job()
    done.set()
    watcher.join()
    sender.send(max(peak[0], _anonymous()) - before)


def _return_free_memory() -> None:
    """Release memory that the C library keeps for reuse, which would hide new allocations."""
    gc.collect()
    library = ctypes.util.find_library('c')
    if library is not None and hasattr(ctypes.CDLL(library), 'malloc_trim'):
        ctypes.CDLL(library).malloc_trim(0)


def _anonymous() -> float:
    """Return the anonymous memory of this process in MiB."""
    field = _field('/proc/self/status', 'RssAnon')
    if field is None:
        raise RuntimeError('no RssAnon in /proc/self/status: measure memory on Linux')
    return int(field.split()[0]) / 1024


def _field(path: str, name: str) -> str | None:
    """Return the first value of a field in a file of lines ``name : value``, if it exists."""
    if not Path(path).exists():
        return None
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.split(':', 1)[1].strip()
    return None


def show(rows: list[Row], out: str | os.PathLike | None) -> None:
    """Print rows with equal keys as a Markdown table, and write them to the CSV file ``out``."""
    names = list(rows[0])
    print('| ' + ' | '.join(names) + ' |')
    print('|' + '---|' * len(names))
    for row in rows:
        print('| ' + ' | '.join(str(row[name]) for name in names) + ' |', flush=True)
    if out is not None:
        path = Path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('w', newline='') as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        print(f'\nwritten to {path}')
