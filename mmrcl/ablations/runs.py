"""Runs of an ablation: their folders, checks before they start, and what remains to be done."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmrcl.checkpoint import is_whole
from mmrcl.engine import Settings, affects_result, differences, recorded_config, settings_of
from mmrcl.errors import ConfigError
from mmrcl.launch import (
    HOOK_SECTIONS,
    build_hooks,
    check_config,
    check_overrides,
    check_paths,
    check_views,
    dicts,
    drop_absent_hooks,
    read_config,
)
from mmrcl.registry import MODELS, TRANSFORMS

from .grids import Arm, Grid


class Run(NamedTuple):
    """One training of a grid.

    Attributes:
        arm: the arm that it trains.
        seed: random seed.
        folder: its work dir.
        config: the complete config, seed included.
    """

    arm: Arm
    seed: int
    folder: Path
    config: Config

    @property
    def title(self) -> str:
        """Name on the console."""
        return f'{self.arm.name} seed {self.seed}'

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return self.config.train_cfg.max_epochs

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint of the last epoch."""
        return self.folder / f'epoch_{self.epochs}.pth'

    @property
    def predictions(self) -> Path:
        """Path of the predictions that its scores are computed from."""
        return self.folder / 'predictions.npz'

    @property
    def is_trained(self) -> bool:
        """Whether its training is complete."""
        return is_whole(self.checkpoint)

    def is_scored(self, label_draws: int) -> bool:
        """Return whether it has been scored on exactly ``label_draws`` draws of the labels."""
        if not self.predictions.is_file():
            return False
        with np.load(self.predictions) as file:
            return set(file['draw'].tolist()) == set(range(label_draws))


def plan_runs(
    grid: Grid,
    work_dir: Path,
    options: Mapping[str, Any],
    data_root: str | None = None,
) -> list[Run]:
    """List all runs of a grid with their configs, seed by seed.

    Args:
        grid: the arms and seeds.
        work_dir: contains ``GRID/ARM/seed_K``.
        options: settings for all arms by dotted keys, applied after those of the arm.
        data_root: folder of the data for every loader; None keeps the config's.

    Raises:
        ConfigError: with the arm whose settings are invalid.
    """
    configs = {arm.name: _config(grid, arm, options, data_root) for arm in grid.arms}
    runs = []
    for seed in grid.seeds:
        for arm in grid.arms:
            config = copy.deepcopy(configs[arm.name])
            config.merge_from_dict({'randomness.seed': seed})
            runs.append(Run(arm, seed, work_dir / grid.name / arm.name / f'seed_{seed}', config))
    return runs


def _config(grid: Grid, arm: Arm, options: Mapping[str, Any], data_root: str | None) -> Config:
    try:
        config = read_config(str(arm.config))
        for chosen in (arm.options, options):
            check_overrides(config, dict(chosen))
            config.merge_from_dict(copy.deepcopy(dict(chosen)))
        drop_absent_hooks(config)
        if grid.held_out:
            hold_out(config, grid.held_out)
        check_config(config)
        check_views(config)
    except (KeyError, TypeError, ValueError) as error:
        raise _in_arm(grid, arm, error) from error
    if data_root is not None:
        for node in dicts(config._cfg_dict):
            if 'data_root' in node:
                node['data_root'] = data_root
    return config


def hold_out(config: Config, share: float) -> None:
    """Take a share of each class out of the training images, and test on it, in place.

    All loaders over training or test images follow. The draw is the same for all arms.

    Args:
        config: its ``train_dataloader`` reads a data set of mmpretrain's ``BaseDataset``.
        share: in (0, 1).

    Raises:
        ValueError: if tests, or hooks that do not only measure, read other images, among which
            could be those held out.
    """
    trained, tested = (
        _images(loader.dataset) for loader in (config.train_dataloader, config.test_dataloader)
    )
    named = (config.get('default_hooks') or {}).values()
    hooks = [hook for hook in (*named, *(config.get('custom_hooks') or [])) if affects_result(hook)]
    for node in dicts([config.test_cfg, *hooks]):
        read = node.get('dataset')
        if isinstance(read, dict) and _images(read) not in (trained, tested):
            raise ValueError(
                f'tests or hooks read {_images(read)}, of which nothing would be held out: set it '
                'to the data set of train_dataloader or test_dataloader, but for the pipeline'
            )
    for node in list(dicts(config._cfg_dict)):
        dataset = node.get('dataset')
        if isinstance(dataset, dict) and _images(dataset) in (trained, tested):
            node['dataset'] = dict(
                type='BalancedShare',
                dataset=dict(trained, pipeline=dataset['pipeline']),
                fraction=share,
                rest=_images(dataset) == trained,
            )


def _images(dataset: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in dataset.items() if key != 'pipeline'}


def check_run(grid: Grid, run: Run) -> None:
    """Reject a run whose data is missing or whose modules cannot be built.

    Raises:
        ConfigError: with the arm.
    """
    config = copy.deepcopy(run.config)
    sections = ('model', 'train_dataloader', 'test_dataloader', 'test_cfg', *HOOK_SECTIONS)
    try:
        check_paths(config, sections)
        with DefaultScope.overwrite_default_scope(config.default_scope):
            MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
            build_hooks(config)
            for node in dicts(config.train_dataloader):
                for transform in node.get('pipeline', ()):
                    TRANSFORMS.build(transform)
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise _in_arm(grid, run.arm, error) from error


def _in_arm(grid: Grid, arm: Arm, error: Exception) -> ConfigError:
    # str() of a KeyError is its message in quotes.
    message = error.args[0] if isinstance(error, KeyError) else error
    return ConfigError(f'{grid.name}: arm {arm.name}: {message}')


def check_unchanged(grid: Grid, run: Run) -> None:
    """Reject the continuation of a run that was trained with other settings.

    Raises:
        ConfigError: with the arm, the changed settings and the remedy.
    """
    recorded = recorded_config(run.folder)
    changed = recorded and differences(settings_of(recorded), settings_of(run.config))
    if changed:
        listed = '\n- '.join(changed[:8])
        raise ConfigError(
            f'{grid.name}: arm {run.arm.name}: {run.folder} was trained with other settings:'
            f'\n- {listed}\nUse another --work-dir, rename the arm, or remove that folder to '
            'train it again'
        )


def shared_with(runs: Sequence[Run], work_dir: Path, label_draws: int) -> list[Run]:
    """Replace runs that have not started by scored runs of other grids with the same settings."""
    scored: dict[str, Path] = {}
    for file in sorted(work_dir.glob('*/*/seed_*/predictions.npz')):
        if recorded := recorded_config(file.parent):
            scored.setdefault(_key(settings_of(recorded)), file.parent)
    shared = []
    for run in runs:
        found = scored.get(_key(settings_of(run.config)))
        other = run if found is None else run._replace(folder=found)
        fresh = recorded_config(run.folder) is None
        shared.append(other if fresh and other.is_scored(label_draws) else run)
    return shared


def _key(settings: Settings) -> str:
    return repr(sorted(settings.items()))
