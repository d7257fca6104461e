"""Checkpoint files of other libraries, written from an encoder with torchvision's tensor names."""

import json
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchvision.models import get_model

State = Mapping[str, Tensor]
Meta = dict[str, Any]

RESNET_DEPTHS = (18, 34, 50, 101, 152)

# torchvision's names to detectron2's. The order matters: later patterns match earlier results.
_TO_DETECTRON2 = (
    (r'^(conv1|bn1)\.', r'stem.\1.'),
    (r'^layer(\d)', lambda found: f'res{int(found[1]) + 1}'),
    (r'\bbn(\d)\.', r'conv\1.norm.'),
    (r'\bdownsample\.0\.', 'shortcut.'),
    (r'\bdownsample\.1\.', 'shortcut.norm.'),
)


def nearest_resnet(state: State) -> int | None:
    """Return the number of layers of the ResNet whose tensors have the most of these names.

    mmpretrain, mmdet, timm and torchvision name a ResNet's tensors alike. Shapes are not compared.

    Returns:
        18, 34, 50, 101 or 152, or None for no ResNet.
    """
    if 'layer1.0.conv1.weight' not in state:
        return None
    names = _weights(state)
    return min(RESNET_DEPTHS, key=lambda depth: len(names ^ _resnet_names(depth)))


@cache
def _resnet_names(depth: int) -> set[str]:
    with torch.device('meta'):
        model = get_model(f'resnet{depth}')
    return {name for name in _weights(model.state_dict()) if not name.startswith('fc.')}


def _weights(state: State) -> set[str]:
    return {name for name in state if not name.endswith('num_batches_tracked')}


def detectron2_name(name: str) -> str:
    """Convert a name, as in ``layer1.0.bn2.weight`` to ``res2.0.conv2.norm.weight``."""
    for pattern, replacement in _TO_DETECTRON2:
        name = re.sub(pattern, replacement, name)
    return name


def write_mmpretrain(state: State, meta: Meta, path: Path) -> None:
    """Write the backbone of a classifier, for ``load_from`` and for ``init_cfg`` with a prefix."""
    named = {f'backbone.{name}': tensor for name, tensor in state.items()}
    torch.save(dict(state_dict=named, meta=meta), path)


def write_mmdet(state: State, meta: Meta, path: Path) -> None:
    """Write the backbone alone, for ``init_cfg=dict(type='Pretrained', checkpoint=...)``."""
    torch.save(dict(state_dict=dict(state), meta=meta), path)


def write_torchvision(state: State, meta: Meta, path: Path) -> None:
    """Write a state dict for torchvision and timm, and ``meta`` into a JSON file next to it."""
    torch.save(OrderedDict(state), path)
    path.with_suffix('.json').write_text(json.dumps(meta, indent=2) + '\n')


def write_detectron2(state: State, meta: Meta, path: Path) -> None:
    """Write a pickle whose names detectron2 matches with those of its ResNet."""
    arrays = {detectron2_name(name): state[name].numpy() for name in _weights(state)}
    content = dict(model=arrays, meta=meta, matching_heuristics=True, __author__='mmrcl')
    path.write_bytes(pickle.dumps(content))


# Suffix and writer of each format.
CHECKPOINT_WRITERS: dict[str, tuple[str, Callable[[State, Meta, Path], None]]] = dict(
    mmpretrain=('.pth', write_mmpretrain),
    mmdet=('.pth', write_mmdet),
    torchvision=('.pth', write_torchvision),
    timm=('.pth', write_torchvision),
    detectron2=('.pkl', write_detectron2),
)
