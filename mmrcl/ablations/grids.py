"""Grid files: arms of an ablation, one file a table or figure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from mmrcl.errors import ConfigError
from mmrcl.launch import read_config


@dataclass(frozen=True)
class Arm:
    """One way of training.

    Attributes:
        name: names its folder.
        config: path of its config; in a grid file relative to it, by default the grid's.
        title: what tables and figures call it, by default its name.
        options: settings by dotted keys, as in ``--cfg-options``; a list replaces the config's, a
            dict is merged into it unless it holds ``_delete_=True``.
        reference: the arm that it is compared with, by default the grid's.
        x: its place on a figure's axis; without it the figure has bars.
        line: the line of the figure that it belongs to.
    """

    name: str
    config: Path
    title: str = ''
    options: dict[str, Any] = field(default_factory=dict)
    reference: str | None = None
    x: float | str | None = None
    line: str = ''


@dataclass(frozen=True)
class Grid:
    """Arms and what is made of them.

    Attributes:
        name: the file's, names the folder.
        arms: in the order of the tables.
        title: heading.
        seeds: trainings an arm.
        label_draws: subsets drawn where 1 % or 10 % of the labels are used.
        headroom: names of the arms whose accuracies count as 0 and 1 of the headroom.
        xlabel: of the figure's axis.
        draw: ``'accuracy'`` or the ``'difference'`` from each arm's reference.
        measures: names of logged numbers whose last value the table gives.
    """

    name: str
    arms: tuple[Arm, ...]
    title: str = ''
    seeds: Sequence[int] = (0,)
    label_draws: int = 5
    headroom: tuple[str, str] | None = None
    xlabel: str = ''
    draw: Literal['accuracy', 'difference'] = 'accuracy'
    measures: Sequence[str] = ()

    def arm(self, name: str) -> Arm:
        """The arm of a name."""
        return next(arm for arm in self.arms if arm.name == name)


def read_grid(path: Path) -> Grid:
    """Reads a grid file.

    Names in it that start with an underscore, and functions, are its own helpers.

    Raises:
        ConfigError: naming the setting that is wrong.
    """
    content = read_config(str(path))._cfg_dict.to_dict()
    given = {key: value for key, value in content.items() if not key.startswith('_')}
    known = {each.name for each in fields(Grid)} - {'name'} | {'config', 'reference'}
    _check_keys(given, known, f'{path}')
    if not given.get('arms'):
        raise ConfigError(f'{path} has no arms: set arms = dict(name=dict(options={{...}}), ...)')
    default = {key: given.pop(key, None) for key in ('config', 'reference')}
    arms = [_arm(path, name, default | arm) for name, arm in given.pop('arms').items()]
    grid = Grid(path.stem, tuple(arms), **given)
    _check_names(path, grid)
    return grid


def _arm(path: Path, name: str, given: dict[str, Any]) -> Arm:
    where = f'{path}: arm {name}'
    _check_keys(given, {each.name for each in fields(Arm)} - {'name'}, where)
    if not re.fullmatch(r'[\w.+-]+', name):
        raise ConfigError(f'{where}: its name is a folder; use letters, digits and ".", "+", "-"')
    if given['config'] is None:
        raise ConfigError(f'{where} has no config: set it, or config for all arms')
    config = path.parent / given['config']
    if not config.is_file():
        raise ConfigError(f'{where}: config {config} does not exist; it is relative to the grid')
    return Arm(**{'name': name, 'title': name, **given, 'config': config})


def _check_keys(given: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(given) - known):
        raise ConfigError(
            f'{where}: {", ".join(unknown)} is no setting; there are {", ".join(sorted(known))}, '
            'and helpers start with an underscore'
        )


def _check_names(path: Path, grid: Grid) -> None:
    names = [arm.name for arm in grid.arms]
    used = {arm.reference for arm in grid.arms} - {None} | set(grid.headroom or ())
    for name in sorted(str(name) for name in used):
        if name not in names:
            raise ConfigError(f'{path}: {name} is no arm; there are {", ".join(names)}')
    titles = [arm.title for arm in grid.arms]
    if len(set(titles)) < len(titles):
        raise ConfigError(f'{path}: two arms share a title, and tables tell arms by it')
    if grid.headroom is not None and len(grid.headroom) != 2:
        raise ConfigError(f'{path}: headroom={grid.headroom} must name two arms, lower and upper')
    if grid.draw not in ('accuracy', 'difference'):
        raise ConfigError(f"{path}: draw='{grid.draw}' must be 'accuracy' or 'difference'")
    if len({arm.x is None for arm in grid.arms}) > 1:
        raise ConfigError(f'{path}: some arms have an x and some have none: give it to all')
    if not grid.seeds or grid.label_draws < 1:
        raise ConfigError(f'{path}: seeds and label_draws must not be empty')
