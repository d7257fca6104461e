"""The demo of transfer, cut down to an epoch."""

import csv

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from .commands import call, tool
from .runs import CONFIG

pytest.importorskip('mmdet')


@pytest.mark.nightly
def test_demo_of_transfer(tmp_path):
    config = Config.fromfile(CONFIG)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    (tmp_path / 'demo/rcl').mkdir(parents=True)
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'demo/rcl/epoch_1.pth')
    done = tool(
        *('demo_transfer.py', '--pretraining', 'demo', '--work-dir', 'out', '--epochs', 1),
        *('--arms', 'random', 'rcl'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'initialisation  box AP  mask AP  1 % top-1  10 % top-1' in done.stdout
    rows = list(csv.DictReader((tmp_path / 'out/results.csv').open()))
    found = {(row['initialisation'], row['metric']) for row in rows}
    columns = ('box AP', 'mask AP', '1 % top-1', '10 % top-1')
    assert found == {(arm, column) for arm in ('random', 'RCL') for column in columns}
    assert all(0 <= float(row['value']) <= 100 for row in rows)
    picture = (tmp_path / 'out/detections.png').read_bytes()
    assert picture.startswith(b'\x89PNG')


def test_says_that_the_demo_comes_first(tmp_path):
    done = call('demo_transfer.py', cwd=tmp_path)
    assert done.returncode == 1
    assert (
        'no checkpoint in work_dirs/demo/instance_discrimination: run `make demo` first'
        in done.stderr
    )
