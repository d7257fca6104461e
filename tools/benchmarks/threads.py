"""Time a training step and nested DBSCAN alone and beside a busy process, by OpenMP's settings.

A waiting thread of torch's OpenMP library spins; mmrcl.threads limits for how long. Each row is one
setting, started as processes of their own: `default` spins as libgomp does unless told otherwise,
`mmrcl` as any process that imports mmrcl first, `passive` not at all, `one thread` has nobody to
wait for.

    python tools/benchmarks/threads.py --out work_dirs/benchmarks/threads.csv
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import torch
from measure import machine, show, spread
from mmengine.hooks import Hook
from torch.nn.functional import normalize

from mmrcl.clustering import EuclideanGraph, nested_dbscan
from mmrcl.launch import build_runner, read_config

CONFIG = Path(__file__).parents[2] / 'configs/rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'
SETTINGS = {
    'default': {'GOMP_SPINCOUNT': '300000'},
    'mmrcl': {},
    'passive': {'OMP_WAIT_POLICY': 'PASSIVE'},
    'one thread': {'OMP_NUM_THREADS': '1'},
}
VARIABLES = ('GOMP_SPINCOUNT', 'OMP_NUM_THREADS', 'OMP_WAIT_POLICY')


class Clock(Hook):
    """Seconds from one training iteration to the next, and an end after enough of them."""

    priority = 'LOWEST'

    def __init__(self, count: int) -> None:
        self.count = count
        self.stamps: list[float] = []

    def after_train_iter(self, runner, *_, **__) -> None:
        self.stamps.append(time.perf_counter())
        if len(self.stamps) > self.count + 1:
            raise KeyboardInterrupt

    def seconds(self) -> list[float]:
        return [after - before for before, after in pairwise(self.stamps[1:])]


def step(count: int) -> list[float]:
    """Time steps of the digits config in warm-up, data included."""
    config = read_config(str(CONFIG))
    config.work_dir = tempfile.mkdtemp()
    config.launcher, config.log_level = 'none', 'ERROR'
    clock = Clock(count)
    runner = build_runner(config, train=True)
    runner.register_hook(clock)
    try:
        runner.train()
    except KeyboardInterrupt:
        return clock.seconds()
    raise RuntimeError(f'{CONFIG.name} has no {count} iterations')


def dbscan(count: int) -> list[float]:
    """Nested DBSCAN of 10,000 points in 500 clusters of 64 dimensions."""
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(500, 64, generator=generator)
    noise = torch.randn(10_000, 64, generator=generator)
    places = torch.randint(500, (10_000,), generator=generator)
    points = normalize(centers[places] + 0.25 * noise, dim=1)
    stamps = [time.perf_counter()]
    for _ in range(count + 1):
        nested_dbscan(EuclideanGraph(points), [0.3, 0.5], 4)
        stamps.append(time.perf_counter())
    return [after - before for before, after in pairwise(stamps[1:])]


JOBS = {'step': step, 'dbscan': dbscan}


@contextmanager
def busy_process() -> Iterator[None]:
    """One process that keeps a core busy."""
    with subprocess.Popen([sys.executable, '-S', '-c', 'while True: pass']) as process:
        try:
            yield
        finally:
            process.kill()


def median_seconds(job: str, setting: str, count: int) -> float:
    """Median of a job's calls in a process with a setting."""
    inherited = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    done = subprocess.run(
        [sys.executable, __file__, '--job', job, '--count', str(count)],
        env={**inherited, **SETTINGS[setting]},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f'{job} failed with the setting {setting}:\n{done.stderr}')
    return float(done.stdout.split()[-1])


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=3, help='processes of each kind')
    parser.add_argument('--count', type=int, default=12, help='calls in a process')
    parser.add_argument('--out', help='CSV file to write')
    parser.add_argument('--job', choices=JOBS, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.job:
        print(statistics.median(JOBS[args.job](args.count)), flush=True)
        return
    print(f'{machine()}; median (least-most) of {args.rounds} processes, seconds\n')
    kinds = [(job, setting) for job in JOBS for setting in SETTINGS]
    alone = {kind: [] for kind in kinds}
    beside = {kind: [] for kind in kinds}
    for _ in range(args.rounds):
        for kind in kinds:
            alone[kind].append(median_seconds(*kind, args.count))
            with busy_process():
                beside[kind].append(median_seconds(*kind, args.count))
    rows = []
    for job, setting in kinds:
        own, both = alone[job, setting], beside[job, setting]
        default = statistics.median(alone[job, 'default'])
        rows.append(
            {
                'job': job,
                'setting': setting,
                'alone [s]': spread(own),
                'beside a busy process [s]': spread(both),
                'beside / alone': f'{statistics.median(both) / statistics.median(own):.2f}',
                "alone / default's": f'{statistics.median(own) / default:.2f}',
            }
        )
    show(rows, args.out)


if __name__ == '__main__':
    main()
