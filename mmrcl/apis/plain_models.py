"""Models of timm and torchvision as encoders, without a transform from the user."""

import warnings
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from .encoders import Encoder, wrap_encoder

__all__ = ['encoder_of']

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's colours
_CLASSIFIERS = ('fc', 'classifier', 'heads', 'head')


def encoder_of(model: Encoder | nn.Module) -> Encoder:
    """Return an encoder as it is, and a model of timm or torchvision with its transform.

    The features are the input of the classifier, if the model has one. The model is neither changed
    nor copied.

    Raises:
        TypeError: for anything else.
        ValueError: for a model that does not take three channels.
    """
    if isinstance(model, Encoder):
        return model
    timm = hasattr(model, 'pretrained_cfg') and hasattr(model, 'forward_head')
    if not timm and not type(model).__module__.startswith('torchvision.models'):
        raise TypeError(
            f'{type(model).__name__} is no encoder and no model of timm or torchvision, so its '
            'transform is unknown: use mmrcl.wrap_encoder(network, transform)'
        )
    _check_channels(model)
    network = _TimmFeatures(model) if timm else _BeforeClassifier(model)
    network.training = model.training
    transform = _timm_transform(model) if timm else _imagenet_transform(model)
    return Encoder(network, wrap_encoder(nn.Identity(), transform).read)


def _check_channels(model: nn.Module) -> None:
    first = next((part for part in model.modules() if isinstance(part, nn.Conv2d)), None)
    if first is not None and first.in_channels != 3:
        raise ValueError(
            f'{type(model).__name__} takes {first.in_channels} channels, and images are read as '
            'RGB: use mmrcl.wrap_encoder(network, transform), with a transform that makes them'
        )


class _TimmFeatures(nn.Module):
    """A model of timm without its classifier."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        maps = self.network.forward_features(images)
        return self.network.forward_head(maps, pre_logits=True)


class _BeforeClassifier(nn.Module):
    """A model of torchvision whose output is the input of the last layer of its classifier."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        heads = [getattr(network, name) for name in _CLASSIFIERS if hasattr(network, name)]
        layers = [part for head in heads for part in head.modules() if isinstance(part, nn.Linear)]
        self.last = layers[-1] if layers else None

    def forward(self, images: Tensor) -> Tensor:
        if self.last is None:
            return self.network(images)
        inputs: list[Tensor] = []
        hook = self.last.register_forward_pre_hook(lambda _, taken: inputs.append(taken[0]))
        try:
            self.network(images)
        finally:
            hook.remove()
        return inputs[0]


def _timm_transform(model: Any) -> Callable[..., Tensor]:
    from timm.data import create_transform, resolve_model_data_config

    return create_transform(**resolve_model_data_config(model))


def _imagenet_transform(model: Any) -> Callable[..., Tensor]:
    from torchvision import transforms

    side = getattr(model, 'image_size', 224)  # vision transformers take one size alone
    warnings.warn(
        "the transform of torchvision's weights cannot be known from the model: images are cut to "
        f"{side} x {side} and normalised by ImageNet's mean and deviation; for another use "
        'mmrcl.wrap_encoder(model, weights.transforms())',
        stacklevel=4,
    )
    return transforms.Compose(
        [
            transforms.Resize(round(side / 0.875)),
            transforms.CenterCrop(side),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )
