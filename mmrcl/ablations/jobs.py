"""Parallel trainings, each in its own process with its share of the cores."""

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from mmrcl.errors import TrainingError
from mmrcl.preemption import LAUNCHER
from mmrcl.visualization import read_scalars


class Job(NamedTuple):
    """One training.

    Attributes:
        title: its name in the progress line.
        command: program and arguments.
        folder: its work dir; its output goes into ``console.log`` there.
        epochs: number of epochs.
        then: a second command, run after the first has succeeded.
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
    later: int = 0,
) -> None:
    """Run all jobs, several at once.

    Every ``interval`` seconds the progress of the running jobs and the time left are printed.

    Args:
        jobs: in the order in which they start.
        interval: seconds between two progress lines.
        processes: number of simultaneous jobs, one thread each; by default one job per core, and
            the jobs share the cores.
        keep_going: if a job fails, finish the others before raising.
        later: jobs as long as these that are to follow them, counted in the time left.

    Raises:
        TrainingError: with the log of each failed job, or its folder if another process uses it;
            without ``keep_going`` the other jobs are terminated.
    """
    cores = os.cpu_count() or 1
    threads = 1 if processes else max(1, cores // max(1, len(jobs)))
    start, last_print = time.time(), time.time()
    waiting, running, failures = list(jobs), list[_Run](), list[str]()
    with _terminated(running):
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
            running[:] = [each for run in running for each in _still_running(run, threads)]
            if time.time() - last_print > interval and running:
                last_print = time.time()
                todo = len(waiting) + later
                line = _progress(len(jobs) + later, todo, running, last_print - start)
                print(line, flush=True)
    if failures:
        raise TrainingError('\n'.join(failures))


def scalars_of(folder: Path) -> Path | None:
    """Return the file of logged scalars of the latest run in a work dir, None if there is none."""
    found = folder.glob('*/vis_data/scalars.json')
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _start(job: Job, threads: int) -> _Run:
    job.folder.mkdir(parents=True, exist_ok=True)
    log = (job.folder / 'console.log').open('a')
    try:
        # The job's processes inherit the lock with the log and keep it if this process dies.
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrainingError(
            f'{job.title}: another process uses {job.folder}: wait until it ends, or stop it'
        ) from error
    log.truncate(0)
    return _Run(job, log, _popen(job.command, log, threads), time.time())


def _popen(command: Sequence[str | Path], log: TextIO, threads: int) -> subprocess.Popen:
    own = {'OMP_NUM_THREADS': str(threads), LAUNCHER: str(os.getpid())}
    # In a session of its own a job gets no Ctrl-C, but SIGTERM from here, on which it saves. If
    # this process is killed, the job ends too.
    return subprocess.Popen(
        command,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, **own},
        start_new_session=True,
    )


@contextlib.contextmanager
def _terminated(running: list[_Run]) -> Iterator[None]:
    try:
        yield
    finally:
        for run in running:
            run.process.terminate()


def _failure(run: _Run) -> str:
    log = Path(run.log.name)
    last = log.read_text().strip().splitlines()[-1:]
    return f'{run.job.title} failed, see {log}: {" ".join(last)}'


def _still_running(run: _Run, threads: int) -> list[_Run]:
    """Return the run while it is running, then its second command, then an empty list."""
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
    """Return the latest training scalars logged since the run began, empty if there are none."""
    path = scalars_of(run.job.folder)
    if path is None or path.stat().st_mtime < run.start:
        return {}
    rows = [row for row in read_scalars(path) if 'loss' in row and 'epoch' in row]
    return rows[-1] if rows else {}
