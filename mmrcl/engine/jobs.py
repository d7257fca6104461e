"""Trainings side by side, each in a process of its own with its share of the cores."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmrcl.visualization import read_scalars

from .errors import TrainingError


class Job(NamedTuple):
    """One training.

    Attributes:
        title: what it is called while it runs.
        command: program and arguments.
        folder: its work dir; what it prints goes into ``console.log`` there.
        epochs: how many it trains.
    """

    title: str
    command: Sequence[str | Path]
    folder: Path
    epochs: int


class _Run(NamedTuple):
    job: Job
    process: subprocess.Popen
    start: float


def run_jobs(jobs: Sequence[Job], interval: float = 15) -> None:
    """Runs all jobs, as many at once as there are cores.

    Prints every ``interval`` seconds how far those that run are, and the time left.

    Raises:
        TrainingError: naming the log of a job that failed; the others are ended.
    """
    cores = os.cpu_count() or 1
    threads = max(1, cores // len(jobs))
    start, told = time.time(), time.time()
    waiting, running = list(jobs), list[_Run]()
    with _ended(running):
        while waiting or running:
            while waiting and len(running) < cores:
                running.append(_start(waiting.pop(0), threads))
            time.sleep(0.2)
            running[:] = [run for run in running if not _is_done(run)]
            if time.time() - told > interval and running:
                told = time.time()
                print(_progress(len(jobs), len(waiting), running, told - start), flush=True)


def scalars_of(folder: Path) -> Path | None:
    """The file of logged numbers of the latest run in a work dir."""
    return max(folder.rglob('scalars.json'), key=lambda path: path.stat().st_mtime, default=None)


def _start(job: Job, threads: int) -> _Run:
    job.folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, 'OMP_NUM_THREADS': str(threads)}
    with (job.folder / 'console.log').open('w') as log:
        process = subprocess.Popen(
            job.command, stdout=log, stderr=subprocess.STDOUT, env=environment
        )
    return _Run(job, process, time.time())


@contextlib.contextmanager
def _ended(running: list[_Run]) -> Iterator[None]:
    try:
        yield
    finally:
        for run in running:
            run.process.terminate()


def _is_done(run: _Run) -> bool:
    code = run.process.poll()
    if code:
        log = run.job.folder / 'console.log'
        last = log.read_text().strip().splitlines()[-1:]
        raise TrainingError(f'{run.job.title} failed, see {log}: {" ".join(last)}')
    return code == 0


def _progress(number: int, waiting: int, running: Sequence[_Run], seconds: float) -> str:
    done = float(number - waiting - len(running))
    lines = []
    for run in running:
        row = _latest_row(run)
        done += row.get('epoch', 0) / run.job.epochs
        at = f'epoch {row["epoch"]:.0f} loss {row["loss"]:.2f}' if row else 'starts'
        lines.append(f'{run.job.title} {at}')
    share = done / number
    left = f', about {seconds * (1 - share) / share:.0f} s left' if share > 0 else ''
    return f'  {seconds:3.0f} s{left}  {", ".join(lines)}'


def _latest_row(run: _Run) -> dict[str, float]:
    """The last numbers of the training since the run began, or none yet."""
    path = scalars_of(run.job.folder)
    if path is None or path.stat().st_mtime < run.start:
        return {}
    rows = [row for row in read_scalars(path) if 'loss' in row and 'epoch' in row]
    return rows[-1] if rows else {}
