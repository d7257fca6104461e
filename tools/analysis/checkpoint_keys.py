"""Keys of the training images by the momentum encoder of a checkpoint."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmrcl.engine.extraction import Extracted, extract
from mmrcl.registry import MODELS


def extract_keys(config: Config, checkpoint: Path) -> Extracted:
    """Keys as ``HierarchicalClusteringHook`` extracts them, and the classes of the images."""
    init_default_scope('mmrcl')
    model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    model.load_state_dict(torch.load(checkpoint, 'cpu', weights_only=False)['state_dict'])
    return extract(
        model, model.extract_keys, Runner.build_dataloader(config.plain_train_dataloader)
    )
