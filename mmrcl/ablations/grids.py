"""Grid files: the arms of an ablation, one file per table or figure."""

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
        name: also the name of its folder.
        config: path of its config, relative to the grid file; by default the grid's.
        title: its label in tables and figures, by default its name.
        options: settings by dotted keys, as in ``--cfg-options``; a list replaces the config's, a
            dict is merged into it unless it contains ``_delete_=True``.
        reference: the arm that it is compared with, by default the grid's.
        x: its position on a figure's axis; without it the figure has bars.
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
    """The arms of an ablation and how their results are presented.

    Attributes:
        name: stem of the grid file, also the name of its folder.
        arms: in the order of the tables.
        title: heading.
        seeds: one training per arm and seed.
        label_draws: random subsets drawn for each share of the labels below 100 %.
        headroom: names of the two arms whose accuracies define 0 and 1 of the headroom.
        xlabel: label of the figure's x axis.
        draw: plot the ``'accuracy'`` or the ``'difference'`` from each arm's reference.
        measures: names of logged scalars whose last value the table shows.
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
        """Return the arm called ``name``."""
        return next(arm for arm in self.arms if arm.name == name)


def read_grid(path: Path) -> Grid:
    """Read a grid file.

    Names that start with an underscore, and functions, are helpers of the file and are ignored.

    Raises:
        ConfigError: if a setting is invalid.
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
        raise ConfigError(
            f'{where}: the name is used as a folder: use letters, digits, "_", ".", "+" and "-"'
        )
    if given['config'] is None:
        raise ConfigError(f'{where} has no config: set it, or config for all arms')
    config = path.parent / given['config']
    if not config.is_file():
        raise ConfigError(f'{where}: config {config} does not exist; set it relative to the grid')
    return Arm(**{'name': name, 'title': name, **given, 'config': config})


def _check_keys(given: Mapping[str, Any], known: set[str], where: str) -> None:
    if unknown := sorted(set(given) - known):
        raise ConfigError(
            f'{where}: unknown setting {", ".join(unknown)}: choose from '
            f'{", ".join(sorted(known))}, or start the names of helpers with an underscore'
        )


def _check_names(path: Path, grid: Grid) -> None:
    names = [arm.name for arm in grid.arms]
    used = {arm.reference for arm in grid.arms} - {None} | set(grid.headroom or ())
    for name in sorted(str(name) for name in used):
        if name not in names:
            raise ConfigError(f'{path}: unknown arm {name}: choose from {", ".join(names)}')
    titles = [arm.title for arm in grid.arms]
    if len(set(titles)) < len(titles):
        raise ConfigError(f'{path}: two arms share a title: set a different title for each')
    if grid.headroom is not None and len(grid.headroom) != 2:
        raise ConfigError(f'{path}: headroom={grid.headroom} must name two arms, lower and upper')
    if grid.draw not in ('accuracy', 'difference'):
        raise ConfigError(f"{path}: draw='{grid.draw}' must be 'accuracy' or 'difference'")
    if len({arm.x is None for arm in grid.arms}) > 1:
        raise ConfigError(f'{path}: only some arms have an x: set it for all arms or for none')
    if not grid.seeds or grid.label_draws < 1:
        raise ConfigError(f'{path}: set at least one seed, and label_draws to at least 1')
