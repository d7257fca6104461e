"""Encoders of mmrcl's checkpoints and of other libraries: image files in, vectors out."""

from collections.abc import Callable, Mapping
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

from mmrcl.checkpoint import load_weights, match_encoder
from mmrcl.launch import read_config
from mmrcl.registry import MODELS, TRANSFORMS

__all__ = ['Encoder', 'build_backbone', 'config_of', 'load_encoder', 'wrap_encoder']


@dataclass(frozen=True)
class Encoder:
    """A frozen network and how it wants to see an image.

    Attributes:
        network: from images (n, C, H, W), as ``read`` gives them, to features (n, d), or to maps,
            of which the last is averaged over space. Its parameters' device does the work.
        read: from the path of an image file to a tensor (C, H, W). Workers of a loader call it, so
            it must be picklable.
    """

    network: nn.Module
    read: Callable[[str], Tensor]


def load_encoder(
    checkpoint: str | Path,
    config: Config | str | Path | None = None,
    prefix: str | None = None,
    device: str | torch.device | None = None,
) -> Encoder:
    """Loads the backbone of a pretraining, with the test-time transform of its config.

    Args:
        checkpoint: file or address of a checkpoint that ``tools/train.py`` wrote.
        config: the config that it was trained with, or its path; by default the one that the
            checkpoint holds.
        prefix: of the encoder to take, as in ``momentum_encoder.module.0.``; by default found, see
            :func:`mmrcl.checkpoint.match_encoder`.
        device: where the work is done; by default the GPU if there is one.

    Returns:
        The encoder, in eval mode, without gradients.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        ValueError: if it is torn, tells no config, or does not hold the whole backbone.
    """
    state, meta = load_weights(str(checkpoint))
    config = config_of(meta, checkpoint, config)
    backbone = build_backbone(config)
    match = match_encoder(state, backbone.state_dict(), prefix)
    if not match.is_whole:
        raise ValueError(
            f'{checkpoint} does not hold the backbone of the config: {match.coverage}; it has '
            f'{match.faults}. Give the config that it was trained with'
        )
    backbone.load_state_dict(match.tensors, strict=False)  # Counts of batches may be missing.
    preprocessor = _preprocessor(config)
    network = _Preprocessed(preprocessor, backbone)
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return Encoder(_frozen(network).to(device), partial(_read_by_transforms, _transforms(config)))


def wrap_encoder(network: nn.Module, transform: Callable[[Image.Image], Tensor]) -> Encoder:
    """An encoder of another library, such as torchvision or timm.

    Args:
        network: from images (n, C, H, W) to features (n, d), or to maps; a classifier without its
            last layer. Put into eval mode.
        transform: from a PIL image in RGB to a tensor (C, H, W).
    """
    return Encoder(_frozen(network), partial(_read_by_pillow, transform))


def config_of(
    meta: Mapping[str, Any], checkpoint: str | Path, config: Config | str | Path | None = None
) -> Config:
    """The config that a checkpoint was trained with.

    Args:
        meta: what the checkpoint tells of itself, of :func:`mmrcl.checkpoint.load_weights`.
        checkpoint: its name, for the message.
        config: goes before the checkpoint's own; a config or the path of one.

    Raises:
        ValueError: if none is given and the checkpoint tells none.
    """
    if isinstance(config, Config):
        return config
    if config is not None:
        return read_config(str(config))
    if not isinstance(meta.get('cfg'), str):
        raise ValueError(f'{checkpoint} tells no config: name it by --config (config=)')
    return Config.fromstring(meta['cfg'], '.py')


def build_backbone(config: Config) -> nn.Module:
    """The backbone of a config, whatever it was to start from.

    Raises:
        ValueError: if the config has none.
    """
    if 'backbone' not in config.get('model', {}):
        raise ValueError('the config has no model.backbone: name the one of the pretraining')
    backbone = {key: value for key, value in config.model.backbone.items() if key != 'init_cfg'}
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmrcl')):
        return MODELS.build(backbone)


class _Preprocessed(nn.Module):
    """A backbone after the normalisation of its config."""

    def __init__(self, data_preprocessor: nn.Module, backbone: nn.Module) -> None:
        super().__init__()
        self.data_preprocessor = data_preprocessor
        self.backbone = backbone

    def forward(self, images: Tensor) -> Any:
        data = self.data_preprocessor(dict(inputs=images, data_samples=[]), False)
        return self.backbone(data['inputs'])


def _preprocessor(config: Config) -> nn.Module:
    found = config.model.get('data_preprocessor') or config.get('data_preprocessor')
    if found is None:
        raise ValueError('the config has no data_preprocessor: set that of the pretraining')
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmrcl')):
        return MODELS.build(found)


def _transforms(config: Config) -> Compose:
    """From the path of a file to the inputs of the preprocessor, as in a test."""
    steps = config.get('test_dataloader', {}).get('dataset', {}).get('pipeline')
    if not steps:
        raise ValueError(
            'the config has no test_dataloader.dataset.pipeline: set one, the transforms of an '
            'image without augmentation, LoadImageFromFile first and PackInputs last'
        )
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmrcl')):
        built = [TRANSFORMS.build(step) for step in steps]
    if steps[0]['type'] != 'LoadImageFromFile':
        channels = config.model.backbone.get('in_channels', 3)
        built.insert(0, _LoadAsDataset('L' if channels == 1 else 'RGB'))
    return Compose(built)


class _LoadAsDataset:
    """Loads what data sets that hold their images in memory give: gray or RGB, not mmcv's BGR."""

    def __init__(self, mode: str) -> None:
        self.mode = mode

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        with Image.open(results['img_path']) as image:
            pixels = np.array(image.convert(self.mode))
        shape = pixels.shape[:2]
        return dict(results, img=pixels, img_shape=shape, ori_shape=shape)


def _frozen(network: nn.Module) -> nn.Module:
    return network.eval().requires_grad_(False)


def _read_by_transforms(transforms: Compose, path: str) -> Tensor:
    return transforms(dict(img_path=path))['inputs']


def _read_by_pillow(transform: Callable[[Image.Image], Tensor], path: str) -> Tensor:
    with Image.open(path) as image:
        return transform(image.convert('RGB'))
