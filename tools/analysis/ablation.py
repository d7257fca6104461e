"""Run a grid of ablations: train every arm with every seed, score it, make tables and a figure.

A grid with a search first trains every arm with every setting on a part of the training images, in
WORK_DIR/GRID-search, and chooses by kNN on the others: WORK_DIR/GRID/search.csv.

Each run has the folder WORK_DIR/GRID/ARM/seed_K. Finished runs are skipped, interrupted ones resume
from their latest checkpoint. Runs of another grid in WORK_DIR with the same settings are reused.
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
    choose_settings,
    collect_arm_results,
    plan_runs,
    read_grid,
    run_jobs,
    search_grid,
    shared_with,
    write_choices_csv,
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
    parser.add_argument('--arms', nargs='+', help='train only these arms')
    parser.add_argument('--seeds', nargs='+', type=int, help='train only with these seeds')
    parser.add_argument(
        '--processes',
        type=int,
        default=1 if torch.cuda.is_available() else os.cpu_count(),
        help='simultaneous trainings, one thread each; by default one per core, or one if there '
        'is a GPU',
    )
    parser.add_argument(
        '--gpus', type=int, help='GPUs per training, launched by tools/dist_train.sh'
    )
    parser.add_argument('--data-root', help='folder of the data, for every loader of every arm')
    parser.add_argument(
        '--collect', action='store_true', help='only make tables and figure of the finished runs'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='settings for every arm, as in model.queue.length=4096',
    )
    return parser.parse_args()


def chosen_grid(args: argparse.Namespace) -> Grid:
    """Read the grid and add the requested seeds to its own.

    Raises:
        ConfigError: for an arm that it does not have.
    """
    grid = read_grid(args.grid)
    known = [arm.name for arm in grid.arms]
    for name in args.arms or ():
        if name not in known:
            raise ConfigError(
                f'--arms: {args.grid} has no arm {name}: choose from {", ".join(known)}'
            )
    return replace(grid, seeds=sorted({*grid.seeds, *(args.seeds or ())}))


def planned(grid: Grid, args: argparse.Namespace) -> list[Run]:
    """Plan the runs of a grid, check every arm if runs are to be trained, and all earlier runs.

    Arms whose search is not complete have no runs yet.

    Raises:
        ConfigError: with an arm that is invalid or was trained with other settings.
    """
    runs = plan_runs(grid, args.work_dir, args.cfg_options, args.data_root)
    runs = [run for run in runs if grid.search is None or run.arm.setting]
    runs = shared_with(runs, args.work_dir, grid.label_draws)
    for run in runs:
        if run.seed == runs[0].seed and not args.collect:
            check_run(grid, run)
    for run in runs:
        check_unchanged(grid, run)
    return runs


def searched(grid: Grid, args: argparse.Namespace) -> tuple[Grid, list[str]]:
    """Train and score what is left of a grid's search.

    Returns:
        The grid with the settings chosen so far, and the runs that failed.

    Raises:
        ConfigError: with an arm that is invalid or was trained with other settings.
    """
    trials = search_grid(grid)
    if trials is None:
        return grid, []
    runs = planned(trials, args)
    arms = [arm for arm in grid.arms if args.arms is None or arm.name in args.arms]
    asked = {arm.name for arm in search_grid(replace(grid, arms=arms)).arms}
    later = len(arms) * len(args.seeds or grid.seeds)
    failures = work(trials, [run for run in runs if run.arm.name in asked], args, later)
    found = collect_arm_results(trials, runs)
    grid = choose_settings(grid, found)
    write_choices_csv(args.work_dir / grid.name / 'search.csv', grid, found)
    return grid, failures


def job(run: Run, label_draws: int, gpus: int | None) -> Job:
    """Make the job of the rest of a run: training and scoring, or scoring alone."""
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


def work(grid: Grid, runs: list[Run], args: argparse.Namespace, later: int = 0) -> list[str]:
    """Train and score the unfinished runs, and return what is said of those that failed.

    Args:
        grid: of the runs.
        runs: the requested ones.
        args: of the command.
        later: runs that follow, counted in the time left.
    """
    if args.collect:
        return []
    left = [run for run in runs if not run.is_scored(grid.label_draws)]
    finished = len(runs) - len(left)
    print(f'{grid.name}: {len(runs)} runs, {finished} of them finished before', flush=True)
    jobs = [job(run, grid.label_draws, args.gpus) for run in left]
    try:
        run_jobs(jobs, processes=args.processes, keep_going=True, later=later)
    except TrainingError as error:
        return [str(error)]
    return []


def main() -> None:
    args = parse_args()
    # On SIGTERM exit normally, so that run_jobs terminates the trainings, which then save.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('error: terminated'))
    try:
        grid, failures = searched(chosen_grid(args), args)
        runs = planned(grid, args)
    except ConfigError as error:
        sys.exit(f'error: {error}')
    requested = [
        run
        for run in runs
        if (args.arms is None or run.arm.name in args.arms)
        and (args.seeds is None or run.seed in args.seeds)
    ]
    failures += work(grid, requested, args)
    arm_results = collect_arm_results(grid, runs)
    if any(each.runs for each in arm_results.values()):
        print(write_results(grid, arm_results, args.work_dir / grid.name))
    sys.exit('error: ' + '\n'.join(failures) if failures else None)


if __name__ == '__main__':
    main()
