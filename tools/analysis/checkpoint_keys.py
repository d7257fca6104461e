"""Keys of the training images from the momentum encoder of a checkpoint."""

from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from mmrcl.checkpoint import load_weights
from mmrcl.features import Extracted, extract
from mmrcl.launch import plain_loader
from mmrcl.registry import MODELS


def load(config: Config, checkpoint: Path, trust: bool) -> tuple[nn.Module, DataLoader]:
    """Load the model of a checkpoint and the images that were clustered."""
    init_default_scope('mmrcl')
    model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    model.load_state_dict(load_weights(checkpoint, trust)[0])
    return model, Runner.build_dataloader(plain_loader(config))


def extract_keys(config: Config, checkpoint: Path, trust: bool) -> Extracted:
    """Extract keys as ``HierarchicalClusteringHook`` does, and the classes of the images."""
    model, loader = load(config, checkpoint, trust)
    return extract(model, model.extract_keys, loader)
