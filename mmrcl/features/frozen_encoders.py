"""Encoders of other libraries and of checkpoints, without their classifiers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmrcl.checkpoint import load_weights, match_encoder

from .pretrained_backbone import build_preprocessor, load_backbone
from .recorded_config import recorded_config

LIBRARIES = ('timm', 'torchvision')


class FrozenEncoder(NamedTuple):
    """A network and the images that it takes.

    Attributes:
        network: maps images (n, C, H, W) to features (n, d) or feature maps.
        mean: of the pixels, 0 to 255, in RGB, shape (C or 1, 1, 1).
        std: their standard deviation, of the same shape.
        image_size: height and width in pixels, or None for images as they come.
    """

    network: nn.Module
    mean: Tensor
    std: Tensor
    image_size: int | None


def from_checkpoint(path: str) -> FrozenEncoder:
    """Load the backbone of a checkpoint that ``tools/train.py`` wrote.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is no such checkpoint.
    """
    state, meta = load_weights(path)
    config = recorded_config(meta, path)
    preprocessor = build_preprocessor(config)
    mean, std = (getattr(preprocessor, name, None) for name in ('mean', 'std'))
    return FrozenEncoder(
        load_backbone(config, state, path),
        torch.zeros(1, 1, 1) if mean is None else mean,
        torch.ones(1, 1, 1) if std is None else std,
        None,
    )


def from_library(
    library: str, model: str, checkpoint: str | None, image_size: int | None
) -> FrozenEncoder:
    """Build an encoder of a library.

    Args:
        library: one of :data:`LIBRARIES`.
        model: name in the library.
        checkpoint: file of the weights, with or without a classifier, or None for those that the
            library downloads.
        image_size: height and width of the images; None takes the model's own.

    Raises:
        ImportError: without the library.
        ValueError: for an unknown model, or weights that do not fill it.
    """
    build = _timm if library == 'timm' else _torchvision
    encoder, classifiers = build(model, checkpoint is None, image_size)
    if checkpoint is not None:
        _fill(encoder.network, model, checkpoint, classifiers)
    return encoder


def _timm(
    model: str, pretrained: bool, image_size: int | None
) -> tuple[FrozenEncoder, Sequence[str]]:
    try:
        import timm
    except ImportError as error:
        raise ImportError("EncoderFeatures: library='timm' needs timm: pip install timm") from error
    if not timm.is_model(model):
        raise ValueError(
            f"EncoderFeatures: timm has no model='{model}': timm.list_models() lists them"
        )
    network: Any = timm.create_model(model, pretrained=pretrained, num_classes=0)
    taken = timm.data.resolve_model_data_config(network)
    classifier = network.pretrained_cfg.get('classifier') or ()
    return (
        FrozenEncoder(
            network,
            _channels(taken['mean']),
            _channels(taken['std']),
            image_size or taken['input_size'][-1],
        ),
        [classifier] if isinstance(classifier, str) else classifier,
    )


def _torchvision(
    model: str, pretrained: bool, image_size: int | None
) -> tuple[FrozenEncoder, Sequence[str]]:
    from torchvision import models

    if model not in models.list_models(module=models):
        raise ValueError(
            f"EncoderFeatures: torchvision has no model='{model}' for classification: "
            'torchvision.models.list_models(module=torchvision.models) lists them'
        )
    weights = models.get_model_weights(model).DEFAULT
    network = models.get_model(model, weights=weights if pretrained else None)
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise ValueError(
            f'EncoderFeatures: {model} does not end with a linear layer: choose another model'
        )
    parent, _, name = linear[-1].rpartition('.')
    setattr(network.get_submodule(parent), name, nn.Identity())
    taken = weights.transforms()
    return (
        FrozenEncoder(
            network,
            _channels(taken.mean),
            _channels(taken.std),
            image_size or taken.crop_size[0],
        ),
        linear[-1:],
    )


def _channels(values: Sequence[float]) -> Tensor:
    """Convert statistics of pixels from 0 to 1 into those from 0 to 255, shape (C, 1, 1)."""
    return 255 * torch.tensor(values)[:, None, None]


def _fill(network: nn.Module, model: str, checkpoint: str, classifiers: Sequence[str]) -> None:
    """Load all weights of a network from a file; it may hold classifiers besides."""
    state, _ = load_weights(checkpoint)
    match = match_encoder(_without(state, classifiers), network.state_dict())
    if not match.is_whole:
        raise ValueError(
            f'{checkpoint} does not hold {model}: {match.coverage}; it has {match.faults}. Set '
            'model to the one that the weights are of'
        )
    network.load_state_dict(match.tensors, strict=False)  # num_batches_tracked may be missing.


def _without(state: Mapping[str, Tensor], layers: Sequence[str]) -> dict[str, Tensor]:
    """Leave out the tensors of layers, under any prefix."""
    endings = tuple(f'.{layer}.{part}' for layer in layers for part in ('weight', 'bias'))
    return {name: tensor for name, tensor in state.items() if not f'.{name}'.endswith(endings)}
