"""The encoder of a checkpoint, with what the checkpoint says about its training."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn

from mmrcl.checkpoint import Match, match_encoder
from mmrcl.errors import ConfigError
from mmrcl.features import build_backbone, pooled

from .image_format import ImageFormat, image_format

__all__ = ['TrainedEncoder', 'trained_encoder']

_KEPT = ('epoch', 'iter', 'experiment_name', 'seed', 'time', 'mmrcl_commit')


@dataclass(frozen=True, eq=False)
class TrainedEncoder:
    """The backbone of a pretraining, and its origin.

    Attributes:
        backbone: the network, in eval mode, on the CPU.
        match: its tensors in the checkpoint, which may lack some.
        config: config of the pretraining.
        checkpoint: the file.
        origin: epoch, iteration, commit, config as text, and name and SHA-256 of the file, in types
            that any library reads.
    """

    backbone: nn.Module
    match: Match
    config: Config
    checkpoint: Path
    origin: dict[str, Any]

    @cached_property
    def images(self) -> ImageFormat:
        """The images that it takes."""
        return image_format(self.config)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Map normalised images (n, channels, height, width) to features (n, d)."""
        return pooled(self.backbone(images))

    @cached_property
    def num_features(self) -> int:
        """Width d of the features."""
        return self.features(torch.zeros(1, *self.images.size)).shape[1]


def trained_encoder(
    checkpoint: str | Path,
    state: Mapping[str, Tensor],
    meta: Mapping[str, Any],
    config: Config,
    prefix: str | None = None,
) -> TrainedEncoder:
    """Build the backbone of a config and fill it from a checkpoint.

    Whether the checkpoint holds all of it is in ``match`` of the result.

    Args:
        checkpoint: the file.
        state: its tensors, from :func:`mmrcl.checkpoint.load_weights`.
        meta: its metadata, from there too.
        config: config of the pretraining.
        prefix: prefix of the encoder, see :func:`mmrcl.checkpoint.match_encoder`.

    Raises:
        ConfigError: for an encoder that was exported before.
        ValueError: if the config has no backbone, or several encoders fit it.
    """
    backbone = build_backbone(config)
    match = match_encoder(state, backbone.state_dict(), prefix)
    _check_not_exported(state, match, checkpoint)
    backbone.load_state_dict(match.tensors, strict=False)
    backbone.requires_grad_(False)
    backbone.eval()  # Of mmpretrain it returns None.
    path = Path(checkpoint)
    return TrainedEncoder(backbone, match, config, path, _origin(path, meta, config, match))


def _check_not_exported(state: Mapping[str, Tensor], match: Match, path: str | Path) -> None:
    if all(name.startswith(match.prefix) for name in state) and len(state) == len(match.tensors):
        raise ConfigError(
            f'{path} is an encoder that was extracted already: convert the checkpoint that the '
            'pretraining wrote'
        )


def _origin(path: Path, meta: Mapping[str, Any], config: Config, match: Match) -> dict[str, Any]:
    known = {key: meta[key] for key in _KEPT if key in meta}
    about = dict(known, cfg=config.pretty_text)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return dict(about, source=path.name, source_sha256=digest, prefix=match.prefix)
