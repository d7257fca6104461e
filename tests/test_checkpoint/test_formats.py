import pytest
import torch
from torchvision.models import get_model

from mmrcl.checkpoint import nearest_resnet
from mmrcl.checkpoint.formats import detectron2_name

BATCH_NORM = ('weight', 'bias', 'running_mean', 'running_var')
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def names_in_detectron2(depth: int) -> set[str]:
    """By the layout of its BasicStem, BasicBlock and BottleneckBlock."""

    def conv(name: str) -> list[str]:
        return [f'{name}.weight', *(f'{name}.norm.{part}' for part in BATCH_NORM)]

    names = conv('stem.conv1')
    for stage, blocks in enumerate(BLOCKS[depth], 2):
        for block in range(blocks):
            for i in range(1, 4 if depth >= 50 else 3):
                names += conv(f'res{stage}.{block}.conv{i}')
        if depth >= 50 or stage > 2:
            names += conv(f'res{stage}.0.shortcut')
    return set(names)


@pytest.mark.parametrize('depth', BLOCKS)
def test_detectron2_names(depth):
    state = get_model(f'resnet{depth}').state_dict()
    names = [name for name in state if name[:3] != 'fc.' and 'num_batches' not in name]
    renamed = [detectron2_name(name) for name in names]
    assert len(set(renamed)) == len(names)
    assert set(renamed) == names_in_detectron2(depth)


@pytest.mark.parametrize('depth', [18, 34, 50, 101, 152])
def test_tells_a_resnet_by_its_names(depth):
    state = get_model(f'resnet{depth}').state_dict()
    names = [name for name in state if name[:3] != 'fc.']
    assert nearest_resnet(dict.fromkeys(names, torch.zeros(1))) == depth
    without_last_block = [name for name in names if not name.startswith('layer4.2.')]
    assert nearest_resnet(dict.fromkeys(without_last_block, torch.zeros(1))) == depth


def test_other_encoders_are_no_resnet():
    assert nearest_resnet({'patch_embed.weight': torch.zeros(1)}) is None
