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
        search: options of its own by the name of a setting of the grid's search, applied after it.
        setting: name of the setting that its search has chosen.
    """

    name: str
    config: Path
    title: str = ''
    options: dict[str, Any] = field(default_factory=dict)
    reference: str | None = None
    x: float | str | None = None
    line: str = ''
    search: dict[str, dict[str, Any]] = field(default_factory=dict)
    setting: str = ''


@dataclass(frozen=True)
class Search:
    """A search of the same size for each arm, on training images alone.

    Each arm is trained once with each setting, without a share of the training images. The setting
    is chosen by the kNN accuracy on these.

    Attributes:
        settings: options by name, the first one preferred among equals.
        seed: of the trainings, none of the grid's.
        held_out: share of the training images to score on, of each class.
    """

    settings: dict[str, dict[str, Any]]
    seed: int = 1000
    held_out: float = 0.2


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
        search: how settings of the arms are chosen before their seeds are trained.
        held_out: share of the training images that are not trained on, and scored on instead of
            the test images.
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
    search: Search | None = None
    held_out: float = 0.0

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
    known = {each.name for each in fields(Grid)} - {'name', 'held_out'} | {'config', 'reference'}
    _check_keys(given, known, f'{path}')
    if not given.get('arms'):
        raise ConfigError(f'{path} has no arms: set arms = dict(name=dict(options={{...}}), ...)')
    default = {key: given.pop(key, None) for key in ('config', 'reference')}
    arms = [_arm(path, name, default | arm) for name, arm in given.pop('arms').items()]
    if given.get('search') is not None:
        given['search'] = _search(path, given['search'])
    grid = Grid(path.stem, tuple(arms), **given)
    _check_names(path, grid)
    _check_search(path, grid)
    return grid


def _arm(path: Path, name: str, given: dict[str, Any]) -> Arm:
    where = f'{path}: arm {name}'
    _check_keys(given, {each.name for each in fields(Arm)} - {'name', 'setting'}, where)
    _check_folder(where, name)
    if given['config'] is None:
        raise ConfigError(f'{where} has no config: set it, or config for all arms')
    config = path.parent / given['config']
    if not config.is_file():
        raise ConfigError(f'{where}: config {config} does not exist; set it relative to the grid')
    return Arm(**{'name': name, 'title': name, **given, 'config': config})


def _search(path: Path, given: dict[str, Any]) -> Search:
    where = f'{path}: search'
    _check_keys(given, {each.name for each in fields(Search)}, where)
    search = Search(**{'settings': {}, **given})
    if not search.settings:
        raise ConfigError(f'{where} has no settings: set settings=dict(name={{key: value}}, ...)')
    for name in search.settings:
        _check_folder(f'{where}: setting {name}', name)
    if not 0 < search.held_out < 1:
        raise ConfigError(f'{where}: held_out={search.held_out} must lie in (0, 1)')
    return search


def _check_folder(where: str, name: str) -> None:
    if not re.fullmatch(r'[\w.+-]+', name):
        raise ConfigError(
            f'{where}: the name is used as a folder: use letters, digits, "_", ".", "+" and "-"'
        )


def _check_search(path: Path, grid: Grid) -> None:
    settings = () if grid.search is None else grid.search.settings
    for arm in grid.arms:
        if unknown := sorted(set(arm.search) - set(settings)):
            raise ConfigError(
                f'{path}: arm {arm.name}: search has no setting {", ".join(unknown)}: choose from '
                f"the grid's, {', '.join(settings) or 'of which there are none'}"
            )


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
