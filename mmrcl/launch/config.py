"""Read a config from a file or a command line and check it."""

import argparse
import os
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction
from mmengine.hooks import Hook

from mmrcl.errors import ConfigError
from mmrcl.registry import HOOKS

from .config_checks import check_config, dicts
from .overrides import HOOKS_OF_MMENGINE, check_overrides
from .renamed import new_base_key, new_file_name
from .schedules import rescale_epochs
from .view_checks import check_views

HOOK_SECTIONS = ('default_hooks', 'custom_hooks')


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that training and testing share."""
    parser.add_argument('--work-dir', help='folder of logs and checkpoints')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='settings that override the config, as in model.queue.length=4096',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    add_trust_argument(parser)
    # torch's launcher gives this argument to the script that it starts.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_trust_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument that tools which read a checkpoint share."""
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='read all that the checkpoint holds, which runs code that the file may contain; by '
        'default only tensors, numbers and text are read',
    )


def read_config(path: str) -> Config:
    """Read a config file with its bases.

    Raises:
        ConfigError: for a file, a base, a setting of a base or a module of ``custom_imports`` that
            does not exist, and for what is no Python or replaces a setting by a dict.
    """
    if not Path(path).is_file():
        raise ConfigError(f'config file {path} does not exist{new_file_name(path)}')
    try:
        config = Config.fromfile(path)
    except ImportError as error:
        raise ConfigError(
            f'{path} imports what is not installed ({error}): for detection run `make venv-full`; '
            'the folder of your own modules (custom_imports) must be on PYTHONPATH'
        ) from error
    except FileNotFoundError as error:
        raise ConfigError(f'{path}: {error}{new_file_name(str(error))}') from error
    except AttributeError as error:
        raise ConfigError(f'{path}: {error}{new_base_key(error.name)}') from error
    except (SyntaxError, TypeError) as error:
        raise ConfigError(f'{path}: {" ".join(str(error).split())}') from error
    # mmengine writes the package of a base `mmrcl::...` as `_scope_` into the base's dicts, and
    # later passes this key to collate_fn, which rejects it. default_scope makes it redundant.
    for node in dicts(config._cfg_dict):
        if node.get('_scope_') == 'mmrcl':
            del node['_scope_']
    drop_absent_hooks(config)
    return config


def drop_absent_hooks(config: Config) -> None:
    """Take hooks that are set to None out of ``default_hooks``, in place.

    mmengine does so for its own default hooks, and fails for all others.
    """
    hooks = config.get('default_hooks') or {}
    for name in [name for name, hook in hooks.items() if hook is None]:
        if name not in HOOKS_OF_MMENGINE:
            del hooks[name]


def hooks_of(config: Config) -> list[dict[str, Any]]:
    """All hooks of a config: ``default_hooks`` by name, then the list ``custom_hooks``."""
    named = (config.get('default_hooks') or {}).values()
    return [hook for hook in [*named, *(config.get('custom_hooks') or [])] if hook is not None]


def build_hooks(config: Config) -> list[Hook]:
    """Build all hooks of a config but mmpretrain's VisualizationHook, which needs a runner."""
    return [
        # The runner takes the priority for itself.
        HOOKS.build({key: value for key, value in hook.items() if key != 'priority'})
        for hook in hooks_of(config)
        if hook['type'] != 'VisualizationHook'
    ]


def load_config(args: argparse.Namespace, folder: str = '', epochs: int | None = None) -> Config:
    """Read and check the config ``args.config`` with the overrides in ``args``.

    Args:
        args: arguments of :func:`add_common_arguments`, and ``config``.
        folder: a folder below the default work dir, which is named after the config.
        epochs: length of the training, applied before the overrides; None keeps the config's.

    Raises:
        ConfigError: for a missing file or an unknown key.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    config = read_config(args.config)
    if epochs is not None:
        if 'train_cfg.max_epochs' in (args.cfg_options or {}):
            raise ConfigError('--epochs sets train_cfg.max_epochs: pass one of them')
        rescale_epochs(config, epochs)
    check_overrides(config, args.cfg_options or {})
    config.merge_from_dict(args.cfg_options or {})
    drop_absent_hooks(config)
    config.launcher = args.launcher
    default = Path('work_dirs', Path(args.config).stem, folder)
    config.work_dir = args.work_dir or config.get('work_dir') or str(default)
    check_config(config)
    check_views(config)
    return config
