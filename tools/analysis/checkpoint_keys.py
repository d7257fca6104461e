"""Keys of the training images from the momentum encoder of a checkpoint."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from mmrcl.features import Extracted, extract
from mmrcl.launch import plain_loader
from mmrcl.registry import MODELS


def load(config: Config, checkpoint: Path) -> tuple[nn.Module, DataLoader]:
    """Load the model of a checkpoint and the training images without augmentation."""
    init_default_scope('mmrcl')
    model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    model.load_state_dict(torch.load(checkpoint, 'cpu', weights_only=False)['state_dict'])
    return model, Runner.build_dataloader(plain_loader(config))


def extract_keys(config: Config, checkpoint: Path) -> Extracted:
    """Extract keys as ``HierarchicalClusteringHook`` does, and the classes of the images."""
    model, loader = load(config, checkpoint)
    return extract(model, model.extract_keys, loader)
