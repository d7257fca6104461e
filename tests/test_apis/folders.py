"""Folders of images and checkpoints that the tests of mmrcl.apis share."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image

from mmrcl.registry import DATASETS, MODELS


def write_digits(folder: Path, split: str, count: int) -> Path:
    """The first digits of a split, as PNG in a folder a class, named by their position."""
    with DefaultScope.overwrite_default_scope('mmrcl'):
        dataset = DATASETS.build(dict(type='Digits', split=split, indices=count))
    for index in range(count):
        info = dataset.get_data_info(index)
        file = folder / str(info['gt_label']) / f'{index:04d}.png'
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(info['img']).save(file)
    return folder


def write_colors(folder: Path, count: int = 6, side: int = 40) -> Path:
    """Random images, losslessly."""
    draw = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for index in range(count):
        pixels = draw.integers(0, 256, (side, side + index, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f'{index}.png')
    return folder


def write_checkpoint(path: Path, config: Config, **meta: Any) -> torch.nn.Module:
    """A random model of a config, saved as a runner would; batch norm has moved."""
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    torch.manual_seed(0)
    for name, tensor in model.state_dict().items():
        if 'running_var' in name:
            tensor.uniform_(0.5, 1.5)
        elif 'running_mean' in name:
            tensor.normal_(std=0.1)
    state = dict(state_dict=model.state_dict(), meta=dict(meta, cfg=config.pretty_text))
    torch.save(state, path)
    return model.eval()
