"""Compare linear evaluation on images with the probe on cached features: times and accuracies.

Runs tools/train.py and tools/linear_probe.py in turn on the same config and checkpoint, once per
seed of the head. The protocol on images validates once, at the end. Times are of whole commands,
with and without the start-up. The start-up is the time of the training command with no epoch
(imports, data set, checkpoint), the median of as many runs as seeds. Main figures are CPU seconds,
which other load on the machine disturbs less than wall seconds; set OMP_NUM_THREADS=1.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

import mmrcl.threads  # noqa: F401  before torch

from measure import Row, machine, show, spread

TOOLS = Path(__file__).parents[1]


class Run(NamedTuple):
    """CPU and wall seconds of a command, and its top-1 in per cent."""

    cpu: float
    wall: float
    top1: float


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of a config of configs/benchmarks/linear')
    parser.add_argument('checkpoint', help='pretraining checkpoint')
    parser.add_argument('--views', type=int, default=2, help='as of tools/linear_probe.py')
    parser.add_argument('--seeds', type=int, nargs='+', default=[0, 1, 2], help='of the head')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/benchmarks/linear'))
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE')
    parser.add_argument('--out', type=Path, help='CSV file')
    return parser.parse_args()


def call(tool: str, *arguments: object) -> tuple[float, float]:
    """Run a tool and return its CPU and wall seconds.

    Raises:
        SystemExit: with the last output of a tool that failed.
    """
    before, start = os.times(), time.perf_counter()
    command = [sys.executable, TOOLS / tool, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'error: {tool} failed:\n{done.stderr[-3000:]}')
    after = os.times()
    cpu = after.children_user + after.children_system
    return cpu - before.children_user - before.children_system, time.perf_counter() - start


def train(args: argparse.Namespace, options: list[str], folder: Path) -> tuple[float, float]:
    start = ('train.py', args.config, '--pretrained', args.checkpoint, '--work-dir', folder)
    return call(*start, '--cfg-options', *options)


def by_images(args: argparse.Namespace, options: list[str], folder: Path) -> Run:
    times = train(args, [*options, 'train_cfg.val_interval=1000000'], folder)
    scalars = max(folder.rglob('scalars.json'), key=lambda path: path.stat().st_mtime)
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    return Run(
        *times, next(row['accuracy/top1'] for row in reversed(rows) if 'accuracy/top1' in row)
    )


def cached(args: argparse.Namespace, options: list[str], folder: Path) -> Run:
    table = folder / 'probe.csv'
    times = call(
        *('linear_probe.py', args.config, args.checkpoint, '--views', args.views),
        *('--work-dir', folder, '--out', table, '--cfg-options', *options),
    )
    with table.open() as file:
        scores = {row['metric']: float(row['accuracy']) for row in csv.DictReader(file)}
    return Run(*times, 100 * scores['linear'])


PROTOCOLS: dict[str, Callable[[argparse.Namespace, list[str], Path], Run]] = {
    'by images': by_images,
    'cached features': cached,
}


def compare(args: argparse.Namespace) -> dict[str, list[Run]]:
    """Run the protocols in turn, A B A B ..., one pair per seed."""
    runs: dict[str, list[Run]] = {name: [] for name in PROTOCOLS}
    for seed in args.seeds:
        for name, protocol in PROTOCOLS.items():
            options = [*args.cfg_options, f'randomness.seed={seed}']
            folder = args.work_dir / name.replace(' ', '-') / str(seed)
            run = protocol(args, options, folder)
            print(f'seed {seed}, {name}: {run}', flush=True)
            runs[name].append(run)
    return runs


def rows_of(runs: dict[str, list[Run]], startup: float) -> list[Row]:
    """Make the table: a row per protocol, ratios over the pairs of runs."""
    slow = runs['by images']
    rows: list[Row] = []
    for name, found in runs.items():
        pairs = list(zip(slow, found, strict=True))
        rows.append(
            {
                'protocol': name,
                'CPU [s]': spread(run.cpu for run in found),
                'without start-up [s]': spread(run.cpu - startup for run in found),
                'wall [s]': spread(run.wall for run in found),
                'times quicker': spread(a.cpu / b.cpu for a, b in pairs),
                'times quicker without start-up': spread(
                    (a.cpu - startup) / (b.cpu - startup) for a, b in pairs
                ),
                'top-1 [%]': ', '.join(f'{run.top1:.2f}' for run in found),
                'mean': f'{fmean(run.top1 for run in found):.2f}',
                'mean difference': f'{fmean(b.top1 - a.top1 for a, b in pairs):+.2f}',
            }
        )
    return rows


def main() -> None:
    args = parse_args()
    print(machine(), flush=True)
    options = [*args.cfg_options, 'train_cfg.max_epochs=0']
    startups = [train(args, options, args.work_dir / 'none')[0] for _ in args.seeds]
    startup = median(startups)
    print(f'start-up: {spread(startups)} s of CPU time', flush=True)
    show(rows_of(compare(args), startup), args.out)


if __name__ == '__main__':
    main()
