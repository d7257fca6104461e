"""Networks of timm and torchvision that compute the same as an encoder.

Equal names and shapes of tensors are not enough: strides and padding are in no tensor. So a
counterpart is filled, and its features are compared with the encoder's.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
import torchvision
from mmpretrain.models.backbones import ResNet_CIFAR, VisionTransformer
from torch import Tensor, nn

from mmrcl.checkpoint import match_encoder, nearest_resnet
from mmrcl.models import LibraryBackbone

from .encoder import TrainedEncoder
from .vision_transformers import timm_vit, torchvision_vit, vit_names, why_no_vit

__all__ = ['Candidate', 'Counterpart', 'NoFormatError', 'candidate_of', 'find_counterpart']

State = Mapping[str, Tensor]

_REMEDY = 'use the format mmpretrain, mmdet or onnx, which take any backbone'
TOLERANCE = 1e-4  # of the largest feature, in float32


class NoFormatError(ValueError):
    """An encoder cannot be written in a format; the message says why."""


class Candidate(NamedTuple):
    """A network of a library that an encoder may be, by the names of its tensors.

    Attributes:
        architecture: the library's name of the network.
        rename: maps the encoder's tensors to the library's names.
        options: further arguments of the network.
        classifier: name of its last layer, which the encoder lacks.
    """

    architecture: str
    rename: Callable[[State], dict[str, Tensor]] = dict
    options: Mapping[str, Any] = {}
    classifier: str = 'fc'


class Counterpart(NamedTuple):
    """A network of a library with the weights of an encoder.

    Attributes:
        architecture: the library's name of the network.
        network: it, without classifier, in eval mode.
        tensors: those that the checkpoint holds, by the library's names.
    """

    architecture: str
    network: nn.Module
    tensors: dict[str, Tensor]


def find_counterpart(encoder: TrainedEncoder, library: str) -> Counterpart:
    """Return the network of ``'timm'`` or ``'torchvision'`` that computes what an encoder does.

    Raises:
        ImportError: if the library is not installed.
        NoFormatError: if there is none; the message names the first tensor without counterpart.
    """
    candidate = candidate_of(encoder, library)
    network = _BUILDERS[library](candidate, encoder.images.size[0])
    state = candidate.rename(encoder.backbone.state_dict())
    match = match_encoder(state, network.state_dict(), '')
    if not match.is_whole:
        raise NoFormatError(
            f'compared with the nearest network of {library}, {candidate.architecture}, the '
            f'encoder has {match.faults}; {_REMEDY}'
        )
    network.load_state_dict(state)
    network.eval()
    _check_features(encoder, network, f'{candidate.architecture} of {library}')
    return Counterpart(candidate.architecture, network, candidate.rename(encoder.match.tensors))


def candidate_of(encoder: TrainedEncoder, library: str) -> Candidate:
    """Return the network of a library that is nearest to an encoder, not yet compared.

    Raises:
        NoFormatError: if the encoder is of a family that mmrcl cannot convert.
    """
    for family in FAMILIES:
        if (found := family(encoder, library)) is not None:
            return found
    kind = type(encoder.backbone).__name__
    raise NoFormatError(
        f'{kind} is not converted to {library}: ResNets of 18 to 152 layers, vision transformers '
        f'of mmpretrain and networks of {library} itself are; {_REMEDY}'
    )


def _own(encoder: TrainedEncoder, library: str) -> Candidate | None:
    """Return the library's network itself, which ``LibraryBackbone`` wraps."""
    backbone = encoder.backbone
    if not isinstance(backbone, LibraryBackbone) or backbone.library != library:
        return None
    return Candidate(backbone.model, _unwrapped, backbone.options, *backbone.classifiers[:1])


def _resnet(encoder: TrainedEncoder, library: str) -> Candidate | None:
    """mmpretrain, timm and torchvision name the tensors of a ResNet alike."""
    if isinstance(encoder.backbone, ResNet_CIFAR):
        raise NoFormatError(
            f'{library} has no ResNet with the 3 x 3 stem for small images; {_REMEDY}'
        )
    depth = nearest_resnet(_unwrapped(encoder.backbone.state_dict()))
    return None if depth is None else Candidate(f'resnet{depth}', _unwrapped)


def _unwrapped(state: State) -> dict[str, Tensor]:
    return {name.removeprefix('network.'): tensor for name, tensor in state.items()}


def _vision_transformer(encoder: TrainedEncoder, library: str) -> Candidate | None:
    backbone = encoder.backbone
    if not isinstance(backbone, VisionTransformer):
        return None
    if reason := why_no_vit(backbone, library):
        raise NoFormatError(f'{reason}; {_REMEDY}')
    architecture, options = (timm_vit if library == 'timm' else torchvision_vit)(backbone)
    return Candidate(architecture, partial(vit_names, library=library), options, 'heads')


# One function for each family of networks: None for an encoder of another family.
FAMILIES: tuple[Callable[[TrainedEncoder, str], Candidate | None], ...] = (
    _own,
    _resnet,
    _vision_transformer,
)


def _from_torchvision(candidate: Candidate, channels: int) -> nn.Module:
    network = getattr(torchvision.models, candidate.architecture)(**candidate.options)
    parent, _, name = candidate.classifier.rpartition('.')
    setattr(network.get_submodule(parent), name, nn.Identity())
    return network


def _from_timm(candidate: Candidate, channels: int) -> nn.Module:
    try:
        import timm
    except ImportError as error:
        raise ImportError("timm missing: pip install 'mmrcl[export]'") from error
    return timm.create_model(
        candidate.architecture, num_classes=0, in_chans=channels, **candidate.options
    )


_BUILDERS = dict(timm=_from_timm, torchvision=_from_torchvision)


@torch.no_grad()
def _check_features(encoder: TrainedEncoder, network: nn.Module, name: str) -> None:
    images = torch.randn(2, *encoder.images.size, generator=torch.Generator().manual_seed(0))
    expected, found = encoder.features(images), network(images)
    if found.shape != expected.shape:
        raise NoFormatError(
            f'{name} takes all tensors of the encoder, but returns {found.shape[1]} features '
            f'instead of {expected.shape[1]}; {_REMEDY}'
        )
    difference = float((found - expected).abs().max() / expected.abs().max())
    if not difference < TOLERANCE:
        raise NoFormatError(
            f'{name} takes all tensors of the encoder, but returns other features, by '
            f'{difference:.0%} of the largest one; {_REMEDY}'
        )
