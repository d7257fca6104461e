"""From a command line to a checked config: what ``tools/train.py`` and ``tools/test.py`` share."""

import argparse
import difflib
import inspect
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint

from mmrcl.registry import MODELS

from .checkpoints import is_whole, latest_checkpoint
from .layouts import missing_pieces
from .learning_rate import scale_learning_rate

# Keys that mmengine's Runner reads from a config beside its own arguments.
_FURTHER_KEYS = (
    'compile',
    'data_preprocessor',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'runner_type',
    'sync_bn',
)


class ConfigError(ValueError):
    """A setting that cannot work, found before any work; the message says what to set."""


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments that training and testing share."""
    parser.add_argument('--work-dir', help='folder of logs and checkpoints')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='settings that override the config, as in train_cfg.max_epochs=20',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch's launcher gives this argument to the script that it starts.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def load_config(args: argparse.Namespace) -> Config:
    """Reads and checks the config that ``args`` name, with their overrides.

    Raises:
        ConfigError: for a missing file or an unknown key.
    """
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if not Path(args.config).is_file():
        raise ConfigError(f'config file {args.config} does not exist')
    config = Config.fromfile(args.config)
    check_overrides(config, args.cfg_options or {})
    config.merge_from_dict(args.cfg_options or {})
    config.launcher = args.launcher
    default = Path('work_dirs') / Path(args.config).stem
    config.work_dir = args.work_dir or config.get('work_dir') or str(default)
    check_config(config)
    return config


def start_on_cpu(config: Config) -> None:
    """Joins the processes of a distributed run over gloo, where there is no CUDA.

    mmengine's own start asks for CUDA, and leaves a group alone that exists already.
    """
    if config.launcher == 'none' or torch.cuda.is_available():
        return
    check_sync_bn(config)
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    config.setdefault('model_wrapper_cfg', wrapper)
    if not torch.distributed.is_initialized():
        seconds = config.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
        torch.distributed.init_process_group('gloo', timeout=timedelta(seconds=seconds))


def check_sync_bn(config: Config) -> None:
    """Refuses synchronised batch norm, which torch has for GPUs alone.

    A single process without a group of processes is no trouble: there it is plain batch norm.
    """
    types = {str(node.get('type')) for node in _dicts(config.model)}
    if config.get('sync_bn') or any('SyncBN' in name for name in types):
        raise ConfigError(
            'SyncBN needs GPUs, and these processes would train on the CPU: start a single process '
            '(--launcher none), or set every norm_cfg of the model to dict(type="BN") and leave '
            'out sync_bn'
        )


def check_overrides(config: Config, options: dict[str, Any]) -> None:
    """Refuses an override whose path is not in the config.

    A new last key is let through: it may be an argument that the config leaves at its default,
    and the part that gets it refuses it if not.
    """
    for option in options:
        node: Any = config._cfg_dict
        *path, last = option.split('.')
        for depth, key in enumerate(path):
            node = _child(node, key, '.'.join(path[: depth + 1]))
        if not path:
            arguments = inspect.signature(Runner.__init__).parameters
            _known(last, [*config.keys(), *arguments, *_FURTHER_KEYS], last)


def _child(node: Any, key: str, path: str) -> Any:
    if isinstance(node, (list, tuple)) and key.isdigit() and int(key) < len(node):
        return node[int(key)]
    if not isinstance(node, dict):
        raise ConfigError(f'--cfg-options: {path} is no part of the config')
    _known(key, list(node), path)
    return node[key]


def _known(key: str, known: list[str], path: str) -> None:
    if key not in known:
        close = difflib.get_close_matches(key, known, n=1)
        hint = f'; did you mean {close[0]}?' if close else f'; there are {", ".join(sorted(known))}'
        raise ConfigError(f'--cfg-options: {path} is no part of the config{hint}')


def check_config(config: Config) -> None:
    """Refuses a config that lacks what training and testing share."""
    for key in ('model', 'default_scope'):
        if key not in config:
            raise ConfigError(f'the config has no {key}: start from one of configs/')
    if config.default_scope != 'mmrcl':
        raise ConfigError(f"default_scope='{config.default_scope}': set default_scope='mmrcl'")


def check_paths(config: Config, sections: Sequence[str]) -> None:
    """Refuses a folder or file that does not exist, in the sections that will be used."""
    used = [config.get(section) for section in sections]
    if missing := missing_pieces(_dicts(used)):
        raise ConfigError('\n- '.join(['the data is not complete', *missing]))
    for node in _dicts(used):
        for key in ('data_root', 'ann_file', 'checkpoint', 'pretrained'):
            _check_path(node, key)


def _check_path(node: dict[str, Any], key: str) -> None:
    value = node.get(key)
    if not isinstance(value, str) or not value or '://' in value or node.get('download'):
        return
    root = node.get('data_root', '') if key == 'ann_file' else ''
    path = Path(root, value).expanduser()
    if not path.exists():
        kind = node.get('type', 'the config')
        raise ConfigError(f'{key}={value} of {kind} does not exist: set it to where your data is')
    if key == 'load_from' and not is_whole(path):
        raise ConfigError(f'{key}={value} is torn or no checkpoint: name another one')


def _dicts(node: Any) -> Iterator[dict[str, Any]]:
    """All dicts in a nested config, the outer ones first."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _dicts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _dicts(value)


def prepare_training(
    config: Config, resume: str | None, amp: str | None, auto_scale_lr: bool
) -> None:
    """Puts the arguments of ``tools/train.py`` into the config.

    Args:
        config: changed in place.
        resume: a checkpoint, ``'auto'`` for the latest in the work dir, or None.
        amp: ``'float16'`` or ``'bfloat16'`` to train in mixed precision, or None.
        auto_scale_lr: scale the learning rate by the global batch.

    Raises:
        ConfigError: if the config cannot be trained that way.
    """
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper'):
        if config.get(key) is None:
            raise ConfigError(f'the config has no {key}: it is not meant for training')
    check_paths(config, ('model', 'train_dataloader', 'val_dataloader', 'custom_hooks'))
    if resume is not None:
        config.resume = True
        config.load_from = None if resume == 'auto' else resume
    if config.get('resume') and config.get('load_from') is None:
        config.load_from = _latest(config.work_dir)
    _check_path(config, 'load_from')
    if amp is not None:
        use_amp(config, amp)
    if auto_scale_lr:
        if 'base_batch_size' not in config.get('auto_scale_lr', {}):
            raise ConfigError(
                '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config, the '
                'batch size that its learning rate is for'
            )
        config.auto_scale_lr.enable = True


def _latest(work_dir: str) -> str | None:
    try:
        found = latest_checkpoint(Path(work_dir))
    except ValueError as error:
        raise ConfigError(error) from error
    return None if found is None else str(found)


def use_amp(config: Config, dtype: str) -> None:
    """Trains in mixed precision, with dynamic loss scaling in ``'float16'``.

    Raises:
        ConfigError: for float16 without a GPU.
    """
    if dtype == 'bfloat16':
        for key in ('dtype', 'loss_scale', 'use_fsdp'):
            config.optim_wrapper.pop(key, None)
        config.optim_wrapper.type = 'BFloat16OptimWrapper'
        return
    if not torch.cuda.is_available():
        raise ConfigError('--amp float16 needs a GPU: leave it out or use --amp bfloat16')
    config.optim_wrapper.update(type='AmpOptimWrapper', dtype=dtype)
    config.optim_wrapper.setdefault('loss_scale', 'dynamic')


def prepare_test(config: Config, checkpoint: str) -> None:
    """Names the checkpoint to score.

    Raises:
        ConfigError: if the config has no test or the checkpoint does not hold its backbone.
    """
    for key in ('test_dataloader', 'test_cfg'):
        if config.get(key) is None:
            raise ConfigError(f'the config has no {key}: it is not meant for testing')
    check_paths(config, ('model', 'test_dataloader', 'test_cfg'))
    config.load_from = checkpoint
    _check_path(config, 'load_from')
    check_backbone(config, checkpoint)


def check_backbone(config: Config, checkpoint: str) -> None:
    """Refuses a checkpoint that does not hold the whole backbone of the config.

    mmengine loads what fits and only warns of the rest.
    """
    state = _load_checkpoint(checkpoint, map_location='cpu')
    state = state.get('state_dict', state)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        wanted = MODELS.build(config.model.backbone).state_dict()
    unfit = [
        name
        for name, tensor in wanted.items()
        if getattr(state.get(f'backbone.{name}'), 'shape', None) != tensor.shape
    ]
    if unfit:
        raise ConfigError(
            f'{checkpoint} does not hold the backbone of this config: {len(unfit)} of '
            f'{len(wanted)} tensors are missing or of another shape, the first is '
            f'backbone.{unfit[0]}; use the config that the checkpoint was trained with'
        )


def build_runner(config: Config, train: bool = False) -> Runner:
    """Builds the runner and, for training, the loop with its data.

    Raises:
        ConfigError: for parts, settings or files that do not exist or do not fit.
    """
    start_on_cpu(config)
    try:
        runner = Runner.from_cfg(config)
        if train:
            _ = runner.train_loop
            scale_learning_rate(runner)
        return runner
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        # str() of a KeyError is its message in quotes.
        raise ConfigError(error.args[0] if isinstance(error, KeyError) else error) from error
