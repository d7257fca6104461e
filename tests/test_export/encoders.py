"""Checkpoints of random encoders that the tests of export share."""

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from mmrcl.features import build_backbone

IMAGENET = 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
RESIZED = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=64), dict(type='PackInputs')]


def config_with(side: int | None = 64, **backbone: Any) -> Config:
    """RCL's ImageNet config with a ResNet-18, for images of 64 pixels, or as they are with None."""
    config = Config.fromfile(IMAGENET)
    config.model.backbone.update(depth=18, **backbone)
    config.train_dataloader.dataset.data_root = '/home/someone/photos'
    if side:
        config.test_dataloader.dataset.pipeline = RESIZED
    return config


def write_encoder(folder: Path, config: Config, **meta: Any) -> tuple[torch.nn.Module, Path]:
    """A backbone with random weights and statistics, in a checkpoint with a part of another."""
    torch.manual_seed(0)
    backbone = build_backbone(config)
    for name, tensor in backbone.state_dict().items():
        if 'running_var' in name:
            tensor.uniform_(0.5, 1.5)
        elif 'running_mean' in name:
            tensor.normal_(std=0.1)
    backbone.eval()
    state = {f'backbone.{name}': tensor for name, tensor in backbone.state_dict().items()}
    path = folder / 'epoch_3.pth'
    about = dict(meta, epoch=3, iter=30, cfg=config.pretty_text)
    torch.save(dict(state_dict=state | {'neck.bias': torch.zeros(1)}, meta=about), path)
    return backbone, path
