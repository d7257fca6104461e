"""Checkpoints are read as data."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.model import BaseModule
from mmengine.runner.checkpoint import CheckpointLoader, _load_checkpoint
from torch import nn

from mmrcl.checkpoint import guard_mmengine, load_weights, read_checkpoint
from mmrcl.errors import TrainingError

from .hostile import history, write_hostile


@pytest.fixture
def guarded():
    before = dict(CheckpointLoader._schemes)
    guard_mmengine()
    yield
    for start, loader in before.items():
        CheckpointLoader.register_scheme(start, loader, force=True)


@pytest.fixture
def mark(tmp_path):
    return tmp_path / 'mark'


@pytest.fixture
def hostile(tmp_path, mark):
    return write_hostile(tmp_path / 'a.pth', mark)


def pretrained(path):
    model = BaseModule(init_cfg=dict(type='Pretrained', checkpoint=path))
    model.a = nn.Linear(1, 1)
    model.init_weights()


@pytest.mark.parametrize('read', [read_checkpoint, load_weights])
def test_refuses_what_can_run_code(read, hostile, mark):
    with pytest.raises(ValueError, match=r'a\.pth holds \w+\.system.*--trust-checkpoint') as caught:
        read(hostile)
    assert '\n' not in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize('read', [_load_checkpoint, pretrained])
def test_mmengine_reads_data_alone(guarded, read, hostile, mark):
    with pytest.raises(TrainingError, match=r'a\.pth holds \w+\.system'):
        read(hostile)
    assert not mark.exists()


def test_trust_runs_code(hostile, mark):
    read_checkpoint(hostile, trust=True)
    assert mark.exists()


def test_trust_gives_mmengine_its_readers_back(guarded, hostile, mark):
    guard_mmengine(trust=True)
    _load_checkpoint(hostile)
    assert mark.exists()


def test_refuses_hostile_downloads(guarded, tmp_path, mark, monkeypatch):
    """torch.hub keeps downloads by name, so that nothing is fetched here."""
    monkeypatch.setattr(torch.hub, '_hub_dir', str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    write_hostile(tmp_path / 'checkpoints/b.pth', mark)
    for url in ('https://nowhere.invalid/b.pth', 'http://nowhere.invalid/b.pth'):
        with pytest.raises(ValueError, match='holds'):
            read_checkpoint(url)
        with pytest.raises(TrainingError, match='holds'):
            _load_checkpoint(url)
    assert not mark.exists()
    torch.save(dict(state_dict={'a': torch.ones(1)}), tmp_path / 'checkpoints/b.pth')
    assert load_weights('https://nowhere.invalid/b.pth')[0]['a'] == 1


def test_drops_the_config_that_mmengine_would_execute(guarded, tmp_path):
    torch.save(dict(state_dict={}, meta=dict(config='1 / 0', epoch=3)), tmp_path / 'a.pth')
    assert _load_checkpoint(str(tmp_path / 'a.pth'))['meta'] == dict(epoch=3)


def test_reads_what_mmengine_wrote(tmp_path):
    """mmengine writes histories with their methods, and numbers of numpy."""
    hub = dict(log_scalars={'loss': history(1.0, 2.5)}, runtime_info={'eta': np.float64(0.1)})
    torch.save(dict(state_dict={}, message_hub=hub), tmp_path / 'a.pth')
    methods = dict(HistoryBuffer._statistics_methods)
    found = read_checkpoint(tmp_path / 'a.pth')['message_hub']
    assert found['runtime_info'] == hub['runtime_info']
    assert isinstance(found['log_scalars']['loss'], HistoryBuffer)
    for old, new in zip(
        hub['log_scalars']['loss'].data, found['log_scalars']['loss'].data, strict=True
    ):
        np.testing.assert_array_equal(old, new)
    assert found['log_scalars']['loss'].max_length == 1000
    assert HistoryBuffer._statistics_methods == methods


def test_a_file_cannot_replace_the_methods_of_histories(tmp_path, monkeypatch):
    kept = dict(HistoryBuffer._statistics_methods)
    saved = history(1.0)
    saved._statistics_methods = dict(kept, current=torch.Size)
    torch.save(dict(scalar=saved), tmp_path / 'a.pth')
    read_checkpoint(tmp_path / 'a.pth')
    assert HistoryBuffer._statistics_methods == kept


def test_what_was_read_can_be_saved_and_copied(tmp_path):
    """A run resumes from a checkpoint, and its next one holds the same histories."""
    torch.save(dict(scalar=history(1.0, 2.0)), tmp_path / 'a.pth')
    torch.save(read_checkpoint(tmp_path / 'a.pth'), tmp_path / 'b.pth')
    again = torch.load(tmp_path / 'b.pth', weights_only=False)['scalar']
    assert type(again) is HistoryBuffer
    assert again.data[0].tolist() == [1.0, 2.0]


def test_leaves_the_safe_types_of_others_alone(tmp_path):
    torch.serialization.add_safe_globals([np.ndarray])
    before = set(torch.serialization.get_safe_globals())
    torch.save(torch.ones(1), tmp_path / 'a.pth')
    read_checkpoint(tmp_path / 'a.pth')
    assert set(torch.serialization.get_safe_globals()) == before


def test_importing_mmrcl_changes_no_reader_of_mmengine():
    code = (
        'import mmrcl.checkpoint\n'
        'from mmengine.runner.checkpoint import CheckpointLoader\n'
        'assert CheckpointLoader._get_checkpoint_loader("a.pth").__name__ == "load_from_local"'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_home_folders_and_missing_files(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    torch.save(dict(a=torch.ones(1)), tmp_path / 'a.pth')
    assert read_checkpoint('~/a.pth')['a'] == 1
    with pytest.raises(FileNotFoundError, match='b.pth does not exist'):
        read_checkpoint(tmp_path / 'b.pth')


def test_a_pickle_that_torch_has_not_written_is_refused_without_advice_to_read_it(tmp_path):
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps({'model': 1}, protocol=4))
    with pytest.raises(ValueError, match='torch.save has not written it'):
        read_checkpoint(tmp_path / 'a.pkl')
