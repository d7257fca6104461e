"""Encoders from mmrcl's checkpoints and from other libraries: image files in, features out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from PIL import Image
from torch import Tensor, nn

from mmrcl.checkpoint import find_checkpoint, load_weights
from mmrcl.datasets import MAX_PIXELS, WHITE, guarded, read_image
from mmrcl.features import build_preprocessor, load_backbone
from mmrcl.launch import plain_pipeline
from mmrcl.registry import TRANSFORMS

from .checkpoint_config import config_of

__all__ = ['Encoder', 'load_encoder', 'wrap_encoder']


@dataclass(frozen=True)
class Encoder:
    """A frozen network and the function that reads an image for it.

    Attributes:
        network: maps images (n, C, H, W), as returned by ``read``, to features (n, d) or to feature
            maps, the last of which is averaged over space. It runs on its parameters' device.
        read: maps the path of an image file to a tensor (C, H, W), and raises an OSError for one
            that cannot be read. Loader workers call it, so it must be picklable.
    """

    network: nn.Module
    read: Callable[[str], Tensor]


def load_encoder(
    checkpoint: str | Path,
    config: Config | str | Path | None = None,
    prefix: str | None = None,
    device: str | torch.device | None = None,
    trust: bool = False,
) -> Encoder:
    """Load the backbone of a pretraining, with the test-time transform of its config.

    Args:
        checkpoint: file or URL of a checkpoint written by ``tools/train.py`` or ``mmrcl pretrain``,
            or the work dir of a run, for its newest.
        config: the config that it was trained with, or its path; by default the one stored in the
            checkpoint.
        prefix: prefix of the encoder to load, as in ``momentum_encoder.module.0.``; detected by
            default, see :func:`mmrcl.checkpoint.match_encoder`.
        device: device of the network; by default the GPU if there is one.
        trust: run code that the checkpoint or its config may contain. By default the checkpoint is
            read as data, and its config may name parts of mmrcl, mmpretrain, mmcv and torch alone.

    Returns:
        The encoder, in eval mode, without gradients.

    Raises:
        FileNotFoundError: if the checkpoint does not exist.
        ValueError: if it is damaged, holds more than data, contains no config, or lacks a part of
            the backbone.
    """
    checkpoint = find_checkpoint(checkpoint)
    state, meta = load_weights(checkpoint, trust)
    config = config_of(meta, checkpoint, config, trust)
    backbone = load_backbone(config, state, checkpoint, prefix)
    network = _Preprocessed(build_preprocessor(config), backbone)
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return Encoder(_frozen(network).to(device), partial(_read_by_transforms, _transforms(config)))


def wrap_encoder(
    network: nn.Module,
    transform: Callable[[Image.Image], Tensor],
    background: Sequence[int] = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> Encoder:
    """Wrap an encoder of another library, such as torchvision or timm.

    Args:
        network: maps images (n, C, H, W) to features (n, d) or to feature maps; for a classifier
            remove the last layer. It is put into eval mode.
        transform: maps a PIL image in RGB, read as :mod:`mmrcl.datasets` states, to a tensor
            (C, H, W).
        background: RGB colour, 0 to 255, behind transparent pixels.
        max_pixels: largest number of pixels to decode; a larger image is unreadable.
    """
    read = partial(read_image, background=background, max_pixels=max_pixels)
    return Encoder(_frozen(network), partial(_read_by_pillow, transform, read=read))


class _Preprocessed(nn.Module):
    """A backbone preceded by the data preprocessor of its config."""

    def __init__(self, data_preprocessor: nn.Module, backbone: nn.Module) -> None:
        super().__init__()
        self.data_preprocessor = data_preprocessor
        self.backbone = backbone

    def forward(self, images: Tensor) -> Any:
        data = self.data_preprocessor(dict(inputs=images, data_samples=[]), False)
        return self.backbone(data['inputs'])


def _transforms(config: Config) -> Compose:
    """Build the test-time transforms, from the path of a file to the preprocessor's input."""
    steps = plain_pipeline(config)
    if not steps:
        raise ValueError(
            'the config has no test_dataloader.dataset.pipeline: set one without augmentation, '
            'from LoadImageFromFile to PackInputs'
        )
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmrcl')):
        built = [guarded(TRANSFORMS.build(step)) for step in steps]
    if steps[0]['type'] != 'LoadImageFromFile':
        channels = config.model.backbone.get('in_channels', 3)
        built.insert(0, _LoadAsDataset('L' if channels == 1 else 'RGB'))
    return Compose(built)


class _LoadAsDataset:
    """Read a file as data sets that hold their images in memory do: gray or RGB, not BGR."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        pixels = np.array(read_image(results['img_path']).convert(self.mode))
        shape = pixels.shape[:2]
        return dict(results, img=pixels, img_shape=shape, ori_shape=shape)


def _frozen(network: nn.Module) -> nn.Module:
    return network.eval().requires_grad_(False)


def _read_by_transforms(transforms: Compose, path: str) -> Tensor:
    return transforms(dict(img_path=path))['inputs']


def _read_by_pillow(
    transform: Callable[[Image.Image], Tensor],
    path: str,
    read: Callable[[str], Image.Image] = read_image,
) -> Tensor:
    return transform(read(path))
