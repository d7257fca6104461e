"""The backbone of a pretraining, built from a config and filled from a checkpoint."""

from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor, nn

from mmrcl.checkpoint import match_encoder
from mmrcl.registry import MODELS

__all__ = ['build_backbone', 'build_preprocessor', 'load_backbone']


def build_backbone(config: Config) -> nn.Module:
    """Build the backbone of a config and ignore its ``init_cfg``.

    Raises:
        ValueError: if the config has none.
    """
    if 'backbone' not in config.get('model', {}):
        raise ValueError('the config has no model.backbone: pass the config of the pretraining')
    backbone = {key: value for key, value in config.model.backbone.items() if key != 'init_cfg'}
    return _built(config, backbone)


def build_preprocessor(config: Config) -> nn.Module:
    """Build the data preprocessor of a config.

    Raises:
        ValueError: if the config has none.
    """
    found = config.model.get('data_preprocessor') or config.get('data_preprocessor')
    if found is None:
        raise ValueError('the config has no data_preprocessor: set the one of the pretraining')
    return _built(config, found)


def load_backbone(
    config: Config,
    state: Mapping[str, Tensor],
    checkpoint: str | Path,
    prefix: str | None = None,
) -> nn.Module:
    """Build the backbone of a config with the weights of a checkpoint.

    Args:
        config: config of the pretraining.
        state: tensors of the checkpoint, from :func:`mmrcl.checkpoint.load_weights`.
        checkpoint: its name, for the error message.
        prefix: prefix of the encoder, see :func:`mmrcl.checkpoint.match_encoder`.

    Raises:
        ValueError: if the checkpoint lacks a part of the backbone.
    """
    backbone = build_backbone(config)
    match = match_encoder(state, backbone.state_dict(), prefix)
    if not match.is_whole:
        raise ValueError(
            f'{checkpoint} does not hold the backbone of the config: {match.coverage}; it has '
            f'{match.faults}. Pass the config that it was trained with'
        )
    backbone.load_state_dict(match.tensors, strict=False)  # num_batches_tracked may be missing.
    return backbone


def _built(config: Config, part: dict) -> nn.Module:
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmrcl')):
        return MODELS.build(part)
