"""Writers of a work dir on a disk that is full: /dev/full refuses whatever is written to it."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub, MMLogger
from torch import nn

from mmrcl.checkpoint import latest_checkpoint
from mmrcl.disk import ReportedOnce
from mmrcl.engine import PretrainingRunner, SafeCheckpointHook
from mmrcl.errors import ConfigError
from mmrcl.launch import build_runner
from mmrcl.progress import progress
from mmrcl.registry import VISBACKENDS

from ..runs import tiny_config

FULL = '/dev/full'


def no_space(*args, **kwargs):
    raise OSError(28, 'No space left on device')


def test_the_first_failure_is_reported_and_others_pass(said):
    written = ReportedOnce('the file')
    for _ in range(3):
        with written:
            no_space()
    assert len(said) == 1
    assert said[0].startswith('the file cannot be written ([Errno 28] No space left on device)')
    with pytest.raises(ValueError, match='else'), written:
        raise ValueError('something else')


def test_scalars_go_on_in_a_file_that_stays_readable(tmp_path, said, monkeypatch):
    backend = VISBACKENDS.build(dict(type='LocalVisBackend', save_dir=str(tmp_path)))
    backend.add_scalars(dict(loss=1.0), step=1)
    with monkeypatch.context() as patch:
        # A part of the line is written before the disk is full.
        def half(value, file, **kwargs):
            file.write('{"loss": ')
            file.flush()
            no_space()

        patch.setattr('mmengine.visualization.vis_backend.dump', half)
        for step in (2, 3):
            backend.add_scalars(dict(loss=1.0), step=step)
    backend.add_scalars(dict(loss=1.0), step=4)
    lines = (tmp_path / 'scalars.json').read_text().splitlines()
    assert [json.loads(line)['step'] for line in lines] == [1, 4]
    assert len(said) == 1 and 'LocalVisBackend cannot be written' in said[0]


@pytest.mark.parametrize('kind', ['LocalVisBackend', 'TensorboardVisBackend'])
def test_every_backend_lets_training_go_on(tmp_path, said, monkeypatch, kind):
    backend = VISBACKENDS.build(dict(type=kind, save_dir=str(tmp_path)))
    monkeypatch.setattr(type(backend), '_init_env', no_space)
    backend.add_image('figure', np.zeros((4, 4, 3), np.uint8))
    backend.add_scalar('loss', 1.0)
    backend.add_scalars(dict(loss=1.0))
    backend.close()
    assert len(said) == 1


def test_wandb_lets_training_go_on(tmp_path, said):
    pytest.importorskip('wandb', reason='W&B is not installed')
    backend = VISBACKENDS.build(dict(type='WandbVisBackend', save_dir=str(tmp_path)))
    backend._env_initialized = True
    backend._wandb = SimpleNamespace(log=no_space, Image=no_space, join=no_space)
    backend.add_image('figure', np.zeros((4, 4, 3), np.uint8), step=3)
    backend.add_scalars(dict(loss=1.0))
    backend.close()
    assert len(said) == 1


def test_log_file_and_console_report_once(tmp_path, capsys):
    (tmp_path / 'run.log').symlink_to(FULL)
    runner = object.__new__(PretrainingRunner)
    runner._experiment_name = 'full_disk'
    logger = runner.build_logger(log_file=str(tmp_path / 'run.log'))
    for line in range(3):
        logger.info(f'line {line}')
    out, err = capsys.readouterr()
    assert out.count(' line') == 3
    assert err.count('cannot be written') == 1 and 'Traceback' not in err


def test_progress_on_a_full_disk(monkeypatch):
    console = SimpleNamespace(write=no_space, flush=no_space, isatty=lambda: False)
    monkeypatch.setattr('sys.stdout', console)
    assert list(progress(range(30), 'Encoding')) == list(range(30))


def test_a_start_where_nothing_can_be_written_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr('mmengine.config.Config.dump', no_space)
    with pytest.raises(ConfigError, match='No space left on device'):
        build_runner(tiny_config(tmp_path), train=True)


@pytest.fixture
def runner(tmp_path):
    """Stands in for a runner, with what the checkpoint hook asks for."""
    return SimpleNamespace(
        work_dir=str(tmp_path / 'run'),
        message_hub=MessageHub(f'hub_{tmp_path.name}'),
        logger=MMLogger.get_current_instance(),
        model=nn.Linear(2, 2),
        max_iters=10,
        epoch=1,
        iter=6,
        save_checkpoint=write_checkpoint,
    )


def write_checkpoint(folder, filename, **kwargs):
    Path(folder, filename).write_text('weights')


def started(runner, **settings) -> SafeCheckpointHook:
    Path(runner.work_dir).mkdir(exist_ok=True)
    hook = SafeCheckpointHook(interval=1, **settings)
    hook.before_train(runner)
    return hook


def test_a_checkpoint_whose_note_cannot_be_written_is_still_the_last(runner, monkeypatch):
    folder = Path(runner.work_dir)
    hook = started(runner)
    hook._save_checkpoint_with_step(runner, 1, dict(iter=6))
    monkeypatch.setattr(Path, 'write_text', no_space)
    runner.save_checkpoint = lambda folder, name, **_: torch.save(dict(iter=12), Path(folder, name))
    hook._save_checkpoint_with_step(runner, 2, dict(iter=12))
    assert sorted(path.name for path in folder.iterdir()) == ['epoch_1.pth', 'epoch_2.pth']
    assert latest_checkpoint(folder) == folder / 'epoch_2.pth'


def test_a_best_checkpoint_that_cannot_be_written_lets_training_go_on(runner, said):
    hook = started(runner, save_best='accuracy')
    hook._save_checkpoint_with_step(runner, 1, dict(iter=6))
    write, runner.save_checkpoint = runner.save_checkpoint, no_space
    hook.after_val_epoch(runner, dict(accuracy=0.5))
    assert any('best_*.pth cannot be written' in line for line in said)
    runner.save_checkpoint = write
    hook.after_val_epoch(runner, dict(accuracy=0.6))
    assert Path(runner.work_dir, 'best_accuracy_epoch_1.pth').is_file()


def test_what_an_interrupted_run_left_is_removed(runner):
    left = Path(runner.work_dir, 'iter_3.pth.partial')
    left.parent.mkdir()
    left.touch()
    started(runner)
    assert not left.exists()


def test_a_copied_run_keeps_the_best_checkpoint_of_the_original(runner, tmp_path):
    original = tmp_path / 'original/best_accuracy_epoch_1.pth'
    original.parent.mkdir()
    for path in (original, Path(runner.work_dir, original.name)):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    runner.message_hub.update_info('best_ckpt', str(original))
    runner.message_hub.update_info('best_score', 0.5)
    runner.epoch = 2
    started(runner, save_best='accuracy').after_val_epoch(runner, dict(accuracy=0.6))
    assert original.exists()
    assert [path.name for path in Path(runner.work_dir).glob('best*')] == [
        'best_accuracy_epoch_2.pth'
    ]
