"""Checks of what surrounds a run: sections of the config, launcher, work dir and optimiser."""

import os
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from mmrcl.engine import unknown_type
from mmrcl.errors import ConfigError
from mmrcl.registry import OPTIMIZERS

from .overrides import suggestion

# Sections that mmengine's Runner needs together.
_TOGETHER = (
    ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    ('val_dataloader', 'val_cfg', 'val_evaluator'),
    ('test_dataloader', 'test_cfg', 'test_evaluator'),
)
# Sections of which mmengine reads these settings, and ignores all others.
_SETTINGS = {
    'env_cfg': ('cudnn_benchmark', 'dist_cfg', 'mp_cfg', 'resource_limit'),
    'auto_scale_lr': ('base_batch_size', 'enable'),
}
_PARAMWISE = (
    'bias_decay_mult',
    'bias_lr_mult',
    'bypass_duplicate',
    'custom_keys',
    'dcn_offset_lr_mult',
    'dwconv_decay_mult',
    'flat_decay_mult',
    'norm_decay_mult',
)
# Variables that a launcher sets for its processes, and what starts them.
_LAUNCHERS = {
    'pytorch': (('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'), 'tools/dist_train.sh'),
    'slurm': (('SLURM_PROCID', 'SLURM_NTASKS'), 'tools/slurm_train.sh'),
    'mpi': (('OMPI_COMM_WORLD_LOCAL_RANK', 'OMPI_COMM_WORLD_RANK'), 'mpirun'),
}


def check_sections(config: Config) -> None:
    """Reject loops that lack a section, and settings that mmengine would ignore.

    Raises:
        ConfigError: naming the sections or the setting.
    """
    for sections in _TOGETHER:
        missing = [name for name in sections if config.get(name) is None]
        if missing and len(missing) < len(sections):
            present = [name for name in sections if name not in missing]
            raise ConfigError(
                f'the config has {" and ".join(present)}, but no {" and ".join(missing)}: set all '
                f'of {", ".join(sections)}, or all of them to None'
            )
    for section, settings in _SETTINGS.items():
        _check_settings(section, config.get(section) or {}, settings)


def _check_settings(path: str, section: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in section:
        if key not in known:
            raise ConfigError(f'{path}.{key} is not a setting{suggestion(key, known)}')


def check_launcher(launcher: str) -> None:
    """Reject a launcher that has not started this process.

    Raises:
        ConfigError: naming the script to start it by.
    """
    variables, script = _LAUNCHERS.get(launcher, ((), ''))
    missing = [name for name in variables if name not in os.environ]
    if missing:
        raise ConfigError(
            f'--launcher {launcher}: {", ".join(missing)} of the environment not set, so no '
            f'launcher has started this process: use {script}, or --launcher none for one process'
        )


def check_work_dir(work_dir: str, setting: str = '--work-dir') -> None:
    """Reject a work dir that is a file or cannot be written.

    Args:
        work_dir: the folder, which need not exist.
        setting: what sets it, for the message.

    Raises:
        ConfigError: naming the path.
    """
    path = Path(work_dir).absolute()
    existing = next(one for one in [path, *path.parents] if one.exists())
    if not existing.is_dir():
        raise ConfigError(f'{setting} {work_dir}: {existing} is a file: pass a folder')
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(
            f'{setting} {work_dir}: {existing} cannot be written: pass a folder of your own'
        )


def check_optimizer(runner: Runner) -> None:
    """Reject an optimiser that does not exist, and warn of options that fit no parameter.

    Raises:
        ConfigError: naming the type, or the option.
    """
    wrapper = runner.optim_wrapper
    kind = wrapper.get('optimizer', {}).get('type')
    if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
        raise ConfigError(unknown_type(kind, 'optimizer'))
    options = wrapper.get('paramwise_cfg') or {}
    if 'constructor' not in wrapper:
        _check_settings('optim_wrapper.paramwise_cfg', options, _PARAMWISE)
    names = [name for name, _ in runner.model.named_parameters()]
    unused = [key for key in options.get('custom_keys', {}) if not any(key in n for n in names)]
    if unused:
        runner.logger.warning(
            f'optim_wrapper.paramwise_cfg.custom_keys: {", ".join(unused)} is in the name of no '
            'parameter, so its options have no effect'
        )
