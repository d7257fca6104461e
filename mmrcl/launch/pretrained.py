"""Initialisation of a benchmark's model from a pretraining checkpoint, checked before the run."""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmrcl.checkpoint import load_weights, match_encoder
from mmrcl.errors import ConfigError
from mmrcl.models import StrictPretrained

from .config_checks import check_path, dicts

# The value of --pretrained for random initialisation.
RANDOM = 'random'


def use_pretrained(config: Config, checkpoint: str | None, trust: bool = False) -> None:
    """Set the checkpoint of all modules with ``StrictPretrained``, and check that it fits them.

    Args:
        config: changed in place. A run that resumes needs no such checkpoint.
        checkpoint: a file, a URL, ``'random'`` for random initialisation, or None to leave the
            config unchanged.
        trust: run code that the checkpoint may contain.

    Raises:
        ConfigError: if the checkpoint is missing, unused, or lacks tensors of such a module.
    """
    parts = [node for node in dicts(config.model) if _is_strict(node.get('init_cfg'))]
    if checkpoint is not None and not parts:
        raise ConfigError(
            '--pretrained: no part of this config starts from a checkpoint: use a config of '
            'configs/benchmarks, or set init_cfg=dict(type="mmrcl.StrictPretrained", '
            'checkpoint=None)'
        )
    for part in parts:
        if checkpoint == RANDOM or (config.get('resume') and config.get('load_from')):
            part.pop('init_cfg')
            continue
        if checkpoint is not None:
            part['init_cfg']['checkpoint'] = checkpoint
        if trust:
            part['init_cfg']['trust'] = True
        _check_part(config, part)


def folder_of(checkpoint: str | None) -> str:
    """Name the results of a checkpoint, as in ``rcl_epoch_30`` for ``.../rcl/epoch_30.pth``.

    Each checkpoint of a benchmark gets its own folder. The name is empty without a checkpoint.
    """
    if checkpoint is None:
        return ''
    path = Path(checkpoint)
    return '_'.join(part for part in (path.parent.name, path.stem) if part)


def _is_strict(init_cfg: Any) -> bool:
    return isinstance(init_cfg, dict) and str(init_cfg.get('type')).endswith('StrictPretrained')


def _check_part(config: Config, part: dict[str, Any]) -> None:
    arguments = {key: value for key, value in part['init_cfg'].items() if key != 'type'}
    if arguments.get('checkpoint') is None:
        raise ConfigError(
            f'{part["type"]} starts from a checkpoint and none is set: add --pretrained '
            f'CHECKPOINT, or --pretrained {RANDOM} for random initialisation'
        )
    check_path(part['init_cfg'], 'checkpoint')
    with DefaultScope.overwrite_default_scope(config.default_scope):
        module = MODELS.build(part)
    try:
        StrictPretrained(**arguments).match(module)
    except ValueError as error:
        raise ConfigError(error) from error


def check_weights(config: Config, checkpoint: str, trust: bool = False) -> None:
    """Reject a checkpoint without all weights that a test needs; mmengine would only warn.

    Evaluation of a representation needs the backbone, other tests the whole model.

    Raises:
        ConfigError: with the first tensor that is missing or has another shape.
    """
    backbone_only = config.test_cfg.get('type') == 'RepresentationTestLoop'
    part = config.model.backbone if backbone_only else config.model
    with DefaultScope.overwrite_default_scope(config.default_scope):
        wanted = MODELS.build(part).state_dict()
    try:
        state, _ = load_weights(checkpoint, trust)
    except ValueError as error:
        raise ConfigError(error) from error
    match = match_encoder(state, wanted, 'backbone.' if backbone_only else '')
    if not match.is_whole:
        raise ConfigError(
            f'{checkpoint} does not hold the {"backbone" if backbone_only else "model"} of this '
            f'config: {match.coverage}; it has {match.faults}. Use the config that the checkpoint '
            'was trained with'
        )
