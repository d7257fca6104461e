"""Tables and figure of an ablation from the folders of its runs."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from mmrcl.evaluation import read_correct
from mmrcl.visualization import read_scalars

from .comparison import ArmResult, Column, RunResult, accuracies, columns_of, seed_differences
from .csv_files import write_runs_csv, write_trainings_csv
from .figures import Point, plot_arms, plot_settings
from .grids import Arm, Grid
from .runs import Run
from .tables import column_name, format_comparison

_TIME = re.compile(r'^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d', re.MULTILINE)


def collect_arm_results(grid: Grid, runs: Sequence[Run]) -> dict[str, ArmResult]:
    """Collect, for every arm of the grid, the results of its scored runs."""
    arm_results = {}
    for arm in grid.arms:
        done = [run for run in runs if run.arm is arm and run.is_scored(grid.label_draws)]
        reference = None if arm.reference is None else grid.arm(arm.reference).title
        results = {run.seed: _run_result(run, grid.measures) for run in done}
        arm_results[arm.name] = ArmResult(arm.title, reference, results, arm.setting)
    return arm_results


def write_results(grid: Grid, arm_results: Mapping[str, ArmResult], folder: Path) -> str:
    """Write the results as files ``results.*`` and ``trainings.csv``, and return the tables."""
    folder.mkdir(parents=True, exist_ok=True)
    headroom = grid.headroom and [arm_results[name] for name in grid.headroom]
    tables = format_comparison(list(arm_results.values()), grid.measures, headroom)
    text = f'# {grid.title or grid.name}\n\n{tables}'
    write_runs_csv(folder / 'results.csv', arm_results)
    write_trainings_csv(folder / 'trainings.csv', arm_results)
    (folder / 'results.md').write_text(text)
    _draw(grid, arm_results, folder / 'results.png')
    return text


def training_seconds(folder: Path) -> float:
    """Sum the wall-clock seconds between first and last line of each log in a work dir."""
    total = 0.0
    for log in folder.glob('*/*.log'):
        stamps = _TIME.findall(log.read_text())
        if stamps:
            first, last = (datetime.strptime(stamps[i], '%Y/%m/%d %H:%M:%S') for i in (0, -1))
            total += (last - first).total_seconds()
    return total


def last_measures(folder: Path, names: Sequence[str]) -> dict[str, float]:
    """Return the last logged value of each name in a work dir; names never logged are left out."""
    found: dict[str, float] = {}
    for path in sorted(folder.glob('*/vis_data/scalars.json')):
        for row in read_scalars(path):
            found |= {name: row[name] for name in names if name in row}
    return found


def peak_memory(folder: Path) -> float:
    """Return the largest logged ``memory`` in a work dir, in MB; NaN if there is none."""
    paths = folder.glob('*/vis_data/scalars.json')
    rows = (row for path in paths for row in read_scalars(path))
    return max((row['memory'] for row in rows if 'memory' in row), default=math.nan)


def _run_result(run: Run, measures: Sequence[str]) -> RunResult:
    return RunResult(
        read_correct(run.predictions),
        training_seconds(run.folder),
        last_measures(run.folder, measures),
        peak_memory(run.folder),
    )


def _draw(grid: Grid, arm_results: Mapping[str, ArmResult], path: Path) -> Path:
    panels = {}
    for column in columns_of(arm_results.values()):
        points = (_point(grid, arm, arm_results, column) for arm in grid.arms)
        panels[column_name(column)] = [point for point in points if len(point.values)]
    what = 'difference in points' if grid.draw == 'difference' else 'accuracy [%]'
    panels = {f'{name}, {what}': points for name, points in panels.items()}
    if grid.arms[0].x is not None:
        return plot_settings(panels, path, grid.xlabel, grid.title)
    reference = grid.arms[0].reference
    start = None if reference is None else grid.arm(reference).title
    return plot_arms(panels, path, start, grid.title)


def _point(grid: Grid, arm: Arm, arm_results: Mapping[str, ArmResult], column: Column) -> Point:
    """Return the accuracy of each seed in per cent, or its difference from the reference."""
    result = arm_results[arm.name]
    if grid.draw == 'accuracy':
        values = accuracies(result, column, sorted(result.runs))
    elif arm.reference is None:
        values = accuracies(result, column, [])
    else:
        values = seed_differences(result, arm_results[arm.reference], column)
    return Point(arm.title, (100 * values).tolist(), arm.x, arm.line)
