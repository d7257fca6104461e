"""Trainings side by side, each in a process of its own with its share of the cores."""

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from mmrcl.errors import TrainingError
from mmrcl.visualization import read_scalars


class Job(NamedTuple):
    """One training.

    Attributes:
        title: what it is called while it runs.
        command: program and arguments.
        folder: its work dir; what it prints goes into ``console.log`` there.
        epochs: how many it trains.
        then: a second command, run once the first has succeeded.
    """

    title: str
    command: Sequence[str | Path]
    folder: Path
    epochs: int
    then: Sequence[str | Path] = ()


class _Run(NamedTuple):
    job: Job
    log: TextIO
    process: subprocess.Popen
    start: float


def run_jobs(
    jobs: Sequence[Job],
    interval: float = 15,
    processes: int | None = None,
    keep_going: bool = False,
) -> None:
    """Runs all jobs, several at once.

    Prints every ``interval`` seconds how far those that run are, and the time left.

    Args:
        jobs: in the order in which they start.
        interval: see above.
        processes: jobs at once, one thread each; by default as many as there are cores, which
            they share.
        keep_going: run the others to their end where one fails, and raise after them.

    Raises:
        TrainingError: naming the log of each job that failed, or its folder where another
            process works in it; without ``keep_going`` the others are ended.
    """
    cores = os.cpu_count() or 1
    threads = 1 if processes else max(1, cores // max(1, len(jobs)))
    start, told = time.time(), time.time()
    waiting, running, failures = list(jobs), list[_Run](), list[str]()
    with _ended(running):
        while waiting or running:
            while waiting and len(running) < (processes or cores):
                try:
                    running.append(_start(waiting.pop(0), threads))
                except TrainingError as error:
                    failures.append(str(error))
            time.sleep(0.2)
            failures += [_failure(run) for run in running if run.process.poll()]
            if failures and not keep_going:
                raise TrainingError(failures[0])
            running[:] = [each for run in running for each in _going_on(run, threads)]
            if time.time() - told > interval and running:
                told = time.time()
                print(_progress(len(jobs), len(waiting), running, told - start), flush=True)
    if failures:
        raise TrainingError('\n'.join(failures))


def scalars_of(folder: Path) -> Path | None:
    """The file of logged numbers of the latest run in a work dir."""
    found = folder.glob('*/vis_data/scalars.json')
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _start(job: Job, threads: int) -> _Run:
    job.folder.mkdir(parents=True, exist_ok=True)
    log = (job.folder / 'console.log').open('a')
    try:
        # The processes of the job inherit the lock with the log, and hold it if this one dies.
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrainingError(
            f'{job.title}: another process works in {job.folder}: wait for its end, or end it'
        ) from error
    log.truncate(0)
    return _Run(job, log, _popen(job.command, log, threads), time.time())


def _popen(command: Sequence[str | Path], log: TextIO, threads: int) -> subprocess.Popen:
    environment = {**os.environ, 'OMP_NUM_THREADS': str(threads)}
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)


@contextlib.contextmanager
def _ended(running: list[_Run]) -> Iterator[None]:
    try:
        yield
    finally:
        for run in running:
            run.process.terminate()


def _failure(run: _Run) -> str:
    log = Path(run.log.name)
    last = log.read_text().strip().splitlines()[-1:]
    return f'{run.job.title} failed, see {log}: {" ".join(last)}'


def _going_on(run: _Run, threads: int) -> list[_Run]:
    """The run itself while it goes on, its second command after it, nothing after that."""
    code = run.process.poll()
    if code is None:
        return [run]
    if code or not run.job.then:
        run.log.close()
        return []
    process = _popen(run.job.then, run.log, threads)
    return [run._replace(job=run.job._replace(then=()), process=process)]


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
