"""Encoders of other libraries and of checkpoints, without their classifiers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmrcl.checkpoint import load_weights, match_encoder
from mmrcl.models import library_network

from .pretrained_backbone import build_preprocessor, load_backbone
from .recorded_config import recorded_config

Statistics = tuple[Sequence[float], Sequence[float], int]  # mean, std, and size of the images

# Options by which each library downloads its own weights.
_DOWNLOAD: dict[str, dict[str, Any]] = dict(
    timm=dict(pretrained=True), torchvision=dict(weights='DEFAULT')
)


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
        library: one of :data:`mmrcl.models.LIBRARIES`.
        model: name in the library.
        checkpoint: file of the weights, with or without a classifier, or None for those that the
            library downloads.
        image_size: height and width of the images; None takes the model's own.

    Raises:
        ImportError: without the library.
        ValueError: for an unknown model, or weights that do not fill it.
    """
    download = _DOWNLOAD[library] if checkpoint is None else {}
    network, classifiers = library_network(library, model, **download)
    if checkpoint is not None:
        _fill(network, model, checkpoint, classifiers)
    resolve = _timm_statistics if library == 'timm' else _torchvision_statistics
    mean, std, own_size = resolve(network, model)
    return FrozenEncoder(network, _channels(mean), _channels(std), image_size or own_size)


def _timm_statistics(network: nn.Module, model: str) -> Statistics:
    import timm

    taken = timm.data.resolve_model_data_config(network)
    return taken['mean'], taken['std'], taken['input_size'][-1]


def _torchvision_statistics(network: nn.Module, model: str) -> Statistics:
    from torchvision import models

    taken = models.get_model_weights(model).DEFAULT.transforms()
    return taken.mean, taken.std, taken.crop_size[0]


def _channels(values: Sequence[float]) -> Tensor:
    """Convert statistics of pixels from 0 to 1 into those from 0 to 255, shape (C, 1, 1)."""
    return 255 * torch.tensor(values)[:, None, None]


def _fill(network: nn.Module, model: str, checkpoint: str, classifiers: Sequence[str]) -> None:
    """Load all weights of a network from a file; it may hold classifiers besides."""
    state, _ = load_weights(checkpoint)
    match = match_encoder(state, network.state_dict(), ignored=classifiers)
    if not match.is_whole:
        raise ValueError(
            f'{checkpoint} does not hold {model}: {match.coverage}; it has {match.faults}. Set '
            'model to the one that the weights are of'
        )
    network.load_state_dict(match.tensors, strict=False)  # num_batches_tracked may be missing.
