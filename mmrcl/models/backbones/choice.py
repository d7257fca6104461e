"""The config of a backbone by its name, for images of a given size."""

import re
from typing import Any, NamedTuple

import torch

from .library_backbone import LIBRARIES, LibraryBackbone, similar

_RESNETS = dict(resnet18=(18, 512), resnet50=(50, 2048))
# Names of DeiT's widths in mmpretrain, and the widths.
_VITS = dict(vit_tiny=('deit-tiny', 192), vit_small=('deit-small', 384))

SMALL = 64  # pixels; a ResNet's own stem would leave 2 x 2 positions of such an image
FEWEST, MOST = 8, 14  # patches along a side of an image below 128 pixels
LARGEST = 16  # pixels along a side of a patch


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

    ResNets for images of up to 64 pixels have a 3 x 3 stem without pooling (``ResNet_CIFAR``).
    Vision transformers get 16 x 16 pixels a patch from 128 pixels on; smaller images are cut into
    8 x 8 to 14 x 14 patches, those of timm too.

    Args:
        name: ``'resnet18'``, ``'resnet50'``, ``'vit_tiny'``, ``'vit_small'``, ``'timm:NAME'`` or
            ``'torchvision:NAME'``.
        image_size: height and width of the images in pixels.
        in_channels: channels of the images.

    Raises:
        ImportError: for a model of timm without timm.
        ValueError: for an unknown name, or images that the backbone does not take.
    """
    if name in _RESNETS:
        return _resnet(*_RESNETS[name], image_size, in_channels)
    if name in _VITS:
        return _vit(*_VITS[name], image_size, in_channels)
    library, colon, model = name.partition(':')
    if colon and library in LIBRARIES:
        return _of_library(library, model, image_size, in_channels)
    known = [*_RESNETS, *_VITS, *(f'{library}:NAME' for library in LIBRARIES)]
    raise ValueError(f"model '{name}' is unknown{similar(name, known)}: choose {', '.join(known)}")


def patch_size_for(image_size: int) -> int:
    """Return the height and width of a patch in pixels: 16, or less for images below 128 pixels.

    Raises:
        ValueError: if no patch size divides the images.
    """
    if image_size >= FEWEST * LARGEST:
        fitting, step = [LARGEST] * (image_size % LARGEST == 0), LARGEST
    else:
        counts = range(MOST, FEWEST - 1, -1)
        fitting, step = [image_size // n for n in counts if image_size % n == 0], FEWEST
    if not fitting:
        raise ValueError(
            f'images of {image_size} x {image_size} pixels cannot be cut into equal patches for a '
            f'vision transformer: set their size to {max(round(image_size / step), 1) * step}'
        )
    return fitting[0]


def _resnet(depth: int, width: int, image_size: int, in_channels: int) -> BackboneChoice:
    kind = 'ResNet_CIFAR' if image_size <= SMALL else 'ResNet'
    backbone = dict(
        type=kind,
        depth=depth,
        in_channels=in_channels,
        norm_cfg=dict(type='SyncBN'),
        zero_init_residual=False,
    )
    return BackboneChoice(backbone, width, with_avg_pool=True)


def _vit(arch: str, width: int, image_size: int, in_channels: int) -> BackboneChoice:
    backbone = dict(
        type='MoCoV3ViT',
        arch=arch,
        img_size=image_size,
        patch_size=patch_size_for(image_size),
        in_channels=in_channels,
        stop_grad_conv1=True,
    )
    return BackboneChoice(backbone, width, with_avg_pool=False)


def _of_library(library: str, model: str, image_size: int, in_channels: int) -> BackboneChoice:
    settings: dict[str, Any] = dict(library=library, model=model, in_channels=in_channels)
    try:
        settings |= _size_options(library, model, image_size)
        width = _output_width(settings, image_size)
    except (AssertionError, RuntimeError, TypeError) as error:
        reason = ' '.join(str(error).split())
        raise ValueError(
            f'{library}:{model} does not take images of {image_size} x {image_size} pixels and '
            f'{in_channels} channels: choose another size or model ({reason})'
        ) from error
    return BackboneChoice(dict(type='LibraryBackbone', **settings), width, with_avg_pool=False)


def _size_options(library: str, model: str, image_size: int) -> dict[str, int]:
    """Return the options by which networks of a fixed size learn the size of the images."""
    if library == 'torchvision':
        return dict(image_size=image_size) if model.startswith('vit_') else {}
    from timm.models import get_pretrained_cfg

    options = {}
    taken = get_pretrained_cfg(model)
    if taken is not None and taken.fixed_input_size:
        options['img_size'] = image_size
    patch = re.search(r'patch(\d+)', model)
    if patch and (image_size % int(patch[1]) or image_size < FEWEST * int(patch[1])):
        options['patch_size'] = patch_size_for(image_size)
    return options


def _output_width(settings: dict[str, Any], image_size: int) -> int:
    """Try the network on two images, without a change to the random numbers of the caller."""
    with torch.random.fork_rng(devices=()), torch.no_grad():
        # In training mode, in which some networks return more than features.
        backbone = LibraryBackbone(**settings)
        (features,) = backbone(torch.zeros(2, settings['in_channels'], image_size, image_size))
    return int(features.shape[1])
