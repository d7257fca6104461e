"""The configs of the page on own images train, on made-up images in the folders that it names."""

import re
from pathlib import Path

import pytest
import torch

from .blocks import by_section, read_blocks, run, write_files
from .scratch import environment_of, make_scratch, narrow_resnet50, write_images

# The changes of the page's text: without its weights DINOv3 needs no download, and the folder has
# fewer images than the page says.
BLOCKS = [
    block._replace(
        code=block.code.replace('pretrained=True', 'pretrained=False').replace('20000', '48')
    )
    for block in read_blocks('custom_dataset.md')
]
SECTIONS = by_section(BLOCKS)
COLOURS = 'Image size, colours, statistics'
# The number of images that a section trains on, by the name of its run.
TRAINED = {
    'A folder': {'photos': 48},
    'Another method': {'photos_pirl': 48},
    'Several folders': {'both': 96},
    'Shards, tables and LMDB': {'photos_shards': 48},
    'Labels for the score': {'photos_scored': 48},
    'Features from elsewhere': {'photos_dinov3': 48},
    COLOURS: {'scans': 48},
}


@pytest.fixture(scope='module')
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_scratch(tmp_path_factory.mktemp('custom_dataset'))
    narrow_resnet50(folder)
    write_files(BLOCKS, folder)
    names = [f'{i % 3}/{i}.jpg' for i in range(48)]
    for data in ('photos', 'more_photos', 'scans', 'labelled/train', 'labelled/test'):
        write_images(folder / 'data' / data, *names)
    return folder


def test_every_section_is_checked():
    assert list(SECTIONS) == list(TRAINED)


# They train as the first section does, on other data; half a minute each.
AT_NIGHT = ('Several folders', 'Shards, tables and LMDB', 'Labels for the score')


@pytest.mark.slow
@pytest.mark.parametrize(
    'section',
    [pytest.param(name, marks=[pytest.mark.nightly] * (name in AT_NIGHT)) for name in SECTIONS],
)
def test_blocks_run(section: str, scratch: Path):
    said = run(SECTIONS[section], scratch, environment_of(scratch))
    for name, images in TRAINED[section].items():
        path = scratch / (scratch / 'work_dirs' / name / 'last_checkpoint').read_text()
        state = torch.load(path, 'cpu', weights_only=False)['state_dict']
        if section == 'Another method':
            assert len(state['bank.features']) == images and 'model.bank.length' not in said
            continue
        assert state['hierarchy.initialized']
        assert state['hierarchy.labels'].shape[1] == images
    if section == 'Labels for the score':
        assert 'linear 100 %' in said
    if section == COLOURS:
        mean, deviation = re.search(r'mean \[(.*)\] std \[(.*)\]', said).groups()
        # Of numbers drawn evenly from 0 to 255.
        assert all(110 < float(value) < 145 for value in mean.split(','))
        assert all(60 < float(value) < 85 for value in deviation.split(','))
