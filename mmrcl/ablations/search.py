"""Search of settings: the grid of its trainings, and the choice by what they score."""

import csv
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from mmrcl.errors import ConfigError

from .comparison import ArmResult, accuracies, columns_of
from .grids import Arm, Grid

__all__ = ['choose_settings', 'search_grid', 'write_choices_csv']


def search_grid(grid: Grid) -> Grid | None:
    """Return the grid of a search, which has an arm for each arm and setting; None without one.

    Raises:
        ConfigError: if the seed of the search is one of the grid's.
    """
    search = grid.search
    if search is None:
        return None
    if search.seed in grid.seeds:
        raise ConfigError(
            f'{grid.name}: the search trains with seed {search.seed}: choose other seeds for the '
            'table, or another search.seed'
        )
    arms = (_tried(grid, arm, name) for arm in grid.arms for name in search.settings)
    return Grid(
        name=f'{grid.name}-search',
        arms=tuple(arms),
        seeds=[search.seed],
        label_draws=grid.label_draws,
        held_out=search.held_out,
    )


def choose_settings(grid: Grid, found: Mapping[str, ArmResult]) -> Grid:
    """Return the grid with the best setting in each arm whose search is complete.

    Args:
        grid: its search is not None.
        found: results of the arms of :func:`search_grid`.
    """
    arms = []
    for arm in grid.arms:
        scores = _scores(grid, arm, found)
        if not any(math.isnan(score) for score in scores.values()):
            arm = _with_setting(grid, arm, max(scores, key=lambda name: scores[name]))
        arms.append(arm)
    return replace(grid, arms=tuple(arms))


def write_choices_csv(path: Path, grid: Grid, found: Mapping[str, ArmResult]) -> Path:
    """Write ``arm,setting,accuracy,chosen``, a row for each training of a search.

    Args:
        path: the file.
        grid: as returned by :func:`choose_settings`.
        found: results of the arms of :func:`search_grid`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['arm', 'setting', 'accuracy', 'chosen'])
        for arm in grid.arms:
            for name, score in _scores(grid, arm, found).items():
                writer.writerow([arm.name, name, f'{score:.6f}', int(name == arm.setting)])
    return path


def _with_setting(grid: Grid, arm: Arm, name: str) -> Arm:
    assert grid.search is not None
    options = {**arm.options, **grid.search.settings[name], **arm.search.get(name, {})}
    return replace(arm, options=options, setting=name)


def _tried(grid: Grid, arm: Arm, name: str) -> Arm:
    arm = _with_setting(grid, arm, name)
    options = {**arm.options, 'test_cfg.metrics': ['knn']}
    return Arm(_trial(arm, name), arm.config, f'{arm.title}, {name}', options)


def _trial(arm: Arm, name: str) -> str:
    return f'{arm.name}+{name}'


def _scores(grid: Grid, arm: Arm, found: Mapping[str, ArmResult]) -> dict[str, float]:
    """Return the kNN accuracy by setting, the mean over shares of the labels; NaN is missing."""
    assert grid.search is not None
    return {name: _score(found[_trial(arm, name)]) for name in grid.search.settings}


def _score(result: ArmResult) -> float:
    means = [accuracies(result, c, sorted(result.runs)).mean() for c in columns_of([result])]
    return fmean(means) if means else math.nan
