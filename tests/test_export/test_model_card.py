"""What the card says about the training."""

import json

import pytest

import mmrcl

from .encoders import config_with, write_encoder


@pytest.fixture
def card(tmp_path):
    """Exports a checkpoint of a run that logged kNN after epochs 2 and 4, and reads the card."""

    def text(**meta):
        rows = [{'knn/top1': top1, 'epoch': n, 'step': 10 * n} for n, top1 in ((2, 0.5), (4, 0.75))]
        log = tmp_path / '20260101_000000/vis_data/scalars.json'
        log.parent.mkdir(parents=True)
        log.write_text('\n'.join(map(json.dumps, rows)))
        _, checkpoint = write_encoder(tmp_path, config_with(), **meta)
        mmrcl.export_encoder(checkpoint, tmp_path / 'out', ['mmpretrain'])
        return (tmp_path / 'out/README.md').read_text()

    return text


def test_it_has_the_facts_of_the_run(card):
    text = card(mmrcl_commit='abc')
    for fact in (
        '| Method | `RCL` |',
        "| Backbone | `dict(type='ResNet', depth=18,",
        '| Training images | ImageNet, photos |',
        '| Epochs | 3 of 200 |',
        '| kNN top-1 | 50.0 % after epoch 2 |',
        '| Features | 512 |',
        '| Images | RGB, 64 x 64 pixels |',
        '| Mean | 0.485, 0.456, 0.406 of values from 0 to 1 |',
        '| Standard deviation | 0.229, 0.224, 0.225 |',
        "`dict(type='Resize', scale=64)`",
        '| Checkpoint | epoch_3.pth, SHA-256 ',
        '| Commit of mmrcl | abc |',
        '# Set the licence',
    ):
        assert fact in text


def test_it_tells_no_path_of_the_machine(card, tmp_path):
    text = card()
    assert '/home/someone' not in text and str(tmp_path) not in text
    assert 'Commit' not in text
