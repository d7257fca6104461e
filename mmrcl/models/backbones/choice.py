"""The config of a backbone by its name, for images of a given size."""

from difflib import get_close_matches
from typing import Any, NamedTuple

_RESNETS = dict(resnet18=(18, 512), resnet50=(50, 2048))

SMALL = 64  # pixels; a ResNet's own stem would leave 2 x 2 positions of such an image


class BackboneChoice(NamedTuple):
    """A backbone for ``model.backbone`` of a config, and what the neck needs to know of it.

    Attributes:
        backbone: config of the backbone.
        out_channels: width of its output, for ``model.neck.in_channels``.
        with_avg_pool: whether the output is a feature map, for ``model.neck.with_avg_pool``.
    """

    backbone: dict[str, Any]
    out_channels: int
    with_avg_pool: bool


def backbone_config(name: str, image_size: int, in_channels: int = 3) -> BackboneChoice:
    """Return the config of a backbone with random weights.

    Args:
        name: ``'resnet18'`` or ``'resnet50'``.
        image_size: height and width of the images in pixels; up to 64 pixels the stem is 3 x 3,
            without pooling (``ResNet_CIFAR``).
        in_channels: channels of the images.

    Raises:
        ValueError: for an unknown name.
    """
    if name not in _RESNETS:
        close = get_close_matches(name, _RESNETS)
        similar = f' (similar: {", ".join(close)})' if close else ''
        raise ValueError(f"model '{name}' is unknown{similar}: choose {', '.join(_RESNETS)}")
    depth, width = _RESNETS[name]
    backbone = dict(
        type='ResNet_CIFAR' if image_size <= SMALL else 'ResNet',
        depth=depth,
        in_channels=in_channels,
        norm_cfg=dict(type='SyncBN'),
        zero_init_residual=False,
    )
    return BackboneChoice(backbone, width, with_avg_pool=True)
