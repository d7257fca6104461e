"""Which pretraining checkpoint the parts of a model start from, checked before any work."""

from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from mmrcl.checkpoint import load_weights, match_encoder
from mmrcl.errors import ConfigError
from mmrcl.models import StrictPretrained

from .config_checks import check_path, dicts

# The value of --pretrained that leaves the initialisation random.
RANDOM = 'random'


def use_pretrained(config: Config, checkpoint: str | None) -> None:
    """Names the checkpoint of all parts that are to start from one, and checks that it fills them.

    Args:
        config: changed in place. A run that resumes needs no such checkpoint.
        checkpoint: a file, an address, ``'random'`` to initialise at random, or None to take the
            config as it is.

    Raises:
        ConfigError: if a checkpoint is missing, unwanted or does not hold such a part whole.
    """
    parts = [node for node in dicts(config.model) if _is_strict(node.get('init_cfg'))]
    if checkpoint is not None and not parts:
        raise ConfigError(
            '--pretrained: no part of this config starts from a checkpoint; those of '
            'configs/benchmarks have init_cfg=dict(type="mmrcl.StrictPretrained", checkpoint=None)'
        )
    for part in parts:
        if checkpoint == RANDOM or (config.get('resume') and config.get('load_from')):
            part.pop('init_cfg')
            continue
        if checkpoint is not None:
            part['init_cfg']['checkpoint'] = checkpoint
        _check_part(config, part)


def folder_of(checkpoint: str | None) -> str:
    """A name for the results of a checkpoint, as in ``rcl_epoch_30`` for ``.../rcl/epoch_30.pth``.

    One benchmark so has a folder for each checkpoint, and for none the empty name.
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
            f'{part["type"]} starts from a checkpoint and none is named: add --pretrained '
            f'CHECKPOINT, or --pretrained {RANDOM} to initialise it at random'
        )
    check_path(part['init_cfg'], 'checkpoint')
    with DefaultScope.overwrite_default_scope(config.default_scope):
        module = MODELS.build(part)
    try:
        StrictPretrained(**arguments).match(module)
    except ValueError as error:
        raise ConfigError(error) from error


def check_weights(config: Config, checkpoint: str) -> None:
    """Refuses a checkpoint that does not hold all that a test uses; mmengine would only warn.

    Evaluation of a representation uses the backbone, other tests the whole model.

    Raises:
        ConfigError: naming the first tensor that is missing or does not fit.
    """
    backbone_only = config.test_cfg.get('type') == 'RepresentationTestLoop'
    part = config.model.backbone if backbone_only else config.model
    with DefaultScope.overwrite_default_scope(config.default_scope):
        wanted = MODELS.build(part).state_dict()
    try:
        state, _ = load_weights(checkpoint)
    except ValueError as error:
        raise ConfigError(error) from error
    match = match_encoder(state, wanted, 'backbone.' if backbone_only else '')
    if not match.is_whole:
        raise ConfigError(
            f'{checkpoint} does not hold the {"backbone" if backbone_only else "model"} of this '
            f'config: {match.coverage}; it has {match.faults}. Use the config that the checkpoint '
            'was trained with'
        )
