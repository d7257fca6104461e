"""Run a grid of ablations: train every arm with every seed, score it, make tables and a figure.

A run lies in WORK_DIR/GRID/ARM/seed_K. What is finished is not done again, what was interrupted
goes on from its latest checkpoint. A run of another grid in WORK_DIR with the very same settings is
taken over.
"""

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import torch
from mmengine.config import DictAction

from mmrcl.ablations import (
    Grid,
    Job,
    Run,
    check_run,
    check_unchanged,
    collect_arm_results,
    plan_runs,
    read_grid,
    run_jobs,
    shared_with,
    write_results,
)
from mmrcl.errors import ConfigError, TrainingError

ROOT = Path(__file__).parents[2]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('grid', type=Path, help='a grid file of configs/ablations')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/ablations'))
    parser.add_argument('--arms', nargs='+', help='train these alone')
    parser.add_argument('--seeds', nargs='+', type=int, help='train with these alone')
    parser.add_argument(
        '--processes',
        type=int,
        default=1 if torch.cuda.is_available() else os.cpu_count(),
        help='trainings at once, one thread each; by default one a core, or one where there is '
        'a GPU',
    )
    parser.add_argument('--gpus', type=int, help='GPUs of each training, by tools/dist_train.sh')
    parser.add_argument('--data-root', help='folder of the data, for every loader of every arm')
    parser.add_argument(
        '--collect', action='store_true', help='only make tables and figure of what is finished'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='settings for every arm, as in train_cfg.max_epochs=20',
    )
    return parser.parse_args()


def chosen_grid(args: argparse.Namespace) -> Grid:
    """The grid, with the seeds asked for beside its own.

    Raises:
        ConfigError: for an arm that it does not have.
    """
    grid = read_grid(args.grid)
    known = [arm.name for arm in grid.arms]
    for name in args.arms or ():
        if name not in known:
            raise ConfigError(f'--arms: {name} is no arm of {args.grid}: {", ".join(known)}')
    return replace(grid, seeds=sorted({*grid.seeds, *(args.seeds or ())}))


def check(grid: Grid, runs: list[Run], to_train: bool) -> None:
    """Checks every arm if there is something to train, and what was trained before.

    Raises:
        ConfigError: naming an arm that cannot work or was trained with other settings.
    """
    for run in runs[: len(grid.arms)] if to_train else ():
        check_run(grid, run)
    for run in runs:
        check_unchanged(grid, run)


def job(run: Run, label_draws: int, gpus: int | None) -> Job:
    """What is left of a run: training and scoring, or scoring alone."""
    run.folder.mkdir(parents=True, exist_ok=True)
    config = run.folder / 'config.py'
    run.config.dump(config)
    draws = f'test_cfg.seeds=[{",".join(map(str, range(label_draws)))}]'
    score = [sys.executable, ROOT / 'tools/test.py', config, run.checkpoint]
    score += ['--work-dir', run.folder / 'score', '--cfg-options', draws]
    score += ['--predictions', run.predictions, '--out', run.folder / 'scores.csv']
    if run.is_trained:
        return Job(run.title, score, run.folder, run.epochs)
    if gpus is None:
        train = [sys.executable, ROOT / 'tools/train.py', config]
    else:
        train = ['bash', ROOT / 'tools/dist_train.sh', config, str(gpus)]
    train += ['--work-dir', run.folder, '--resume']
    return Job(run.title, train, run.folder, run.epochs, then=score)


def work(grid: Grid, runs: list[Run], args: argparse.Namespace) -> None:
    """Trains and scores what is left.

    Raises:
        TrainingError: naming the runs that failed, after the others.
    """
    asked = [
        run
        for run in runs
        if (args.arms is None or run.arm.name in args.arms)
        and (args.seeds is None or run.seed in args.seeds)
    ]
    left = [run for run in asked if not run.is_scored(grid.label_draws)]
    print(f'{grid.name}: {len(asked)} runs, {len(asked) - len(left)} of them finished before')
    jobs = [job(run, grid.label_draws, args.gpus) for run in left]
    run_jobs(jobs, processes=args.processes, keep_going=True)


def main() -> None:
    args = parse_args()
    # So that trainings are ended, and save, with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('error: terminated'))
    failure = None
    try:
        grid = chosen_grid(args)
        runs = plan_runs(grid, args.work_dir, args.cfg_options, args.data_root)
        runs = shared_with(runs, args.work_dir, grid.label_draws)
        check(grid, runs, to_train=not args.collect)
        if not args.collect:
            work(grid, runs, args)
    except ConfigError as error:
        sys.exit(f'error: {error}')
    except TrainingError as error:
        failure = f'error: {error}'
    arm_results = collect_arm_results(grid, runs)
    if any(each.runs for each in arm_results.values()):
        print(write_results(grid, arm_results, args.work_dir / grid.name))
    sys.exit(failure)


if __name__ == '__main__':
    main()
