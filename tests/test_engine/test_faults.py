"""What happens when something breaks: the disk, an image, the loss, a process, the scheduler."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from mmrcl.checkpoint.latest import latest_checkpoint
from mmrcl.engine import PreemptionHook, UnreadableImageHook
from mmrcl.errors import ConfigError, TrainingError
from mmrcl.launch import prepare_training
from mmrcl.visualization import read_scalars

from ..runs import tiny_config, train
from .children import BY_ITERATION, ends_with_a_sentence, run_ranks, train_in_a_group, train_tiny

TWO = dict(train_dataloader__batch_size=16)


def do(action: str, iteration: int, *ranks: int) -> dict:
    return dict(type='DoHook', action=action, iteration=iteration, ranks=ranks or (0, 1))


def checkpoints(work_dir: Path) -> list[str]:
    return sorted(path.name for path in work_dir.iterdir() if '.pth' in path.name)


# --- checkpoints


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A run with all its checkpoints, and how it ends."""
    work_dir = tmp_path_factory.mktemp('finished')
    assert run_ranks(train_tiny, work_dir, {}) == [0]
    return work_dir, torch.load(work_dir / 'end_0.pth')


def copied(source: Path, target: Path, names: list[str]) -> None:
    for name in names:
        (target / name).write_bytes((source / name).read_bytes())
    (target / 'last_checkpoint').write_text(str(target / names[-1]))


@pytest.mark.parametrize('spoil', ['torn', 'missing', 'empty', 'zeros'])
def test_a_spoilt_last_checkpoint_falls_back_to_the_one_before(tmp_path, said, spoil):
    for epoch in (1, 2, 3):
        torch.save(dict(weight=torch.rand(1000)), tmp_path / f'epoch_{epoch}.pth')
    last = tmp_path / 'epoch_3.pth'
    (tmp_path / 'last_checkpoint').write_text(str(last))
    whole = last.read_bytes()
    if spoil == 'missing':
        last.unlink()
    else:
        half = whole[: len(whole) // 2]
        last.write_bytes(dict(torn=half, empty=b'', zeros=half + bytes(len(half)))[spoil])
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_2.pth'
    assert said[0].endswith(f'epoch_3.pth is {"missing" if spoil == "missing" else "torn"}')
    assert said[1].endswith('epoch_2.pth')


@pytest.mark.slow
def test_a_run_with_a_torn_last_checkpoint_ends_like_the_one_without(finished, tmp_path):
    source, expected = finished
    copied(source, tmp_path, ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth'])
    os.truncate(tmp_path / 'epoch_3.pth', 10_000)
    assert run_ranks(train_tiny, tmp_path, {}) == [0]
    assert torch.load(tmp_path / 'end_0.pth') == expected


def test_no_whole_checkpoint_is_an_error_and_not_a_fresh_start(tmp_path):
    (tmp_path / 'epoch_1.pth').write_bytes(b'half')
    with pytest.raises(ValueError, match='none of the 1 checkpoints'):
        latest_checkpoint(tmp_path)


def test_a_torn_checkpoint_that_the_user_names_is_refused(tmp_path):
    torn = tmp_path / 'epoch_1.pth'
    torn.write_bytes(b'half')
    for resume in (str(torn), 'auto'):
        config = tiny_config(tmp_path)
        with pytest.raises(ConfigError, match='torn or no checkpoint|none of the 1 checkpoints'):
            prepare_training(config, resume, None, False)


@pytest.mark.slow
def test_the_newest_are_kept_across_a_resume_of_a_copy(tmp_path):
    keep = dict(BY_ITERATION, default_hooks__checkpoint__interval=5)
    original, copy = tmp_path / 'original', tmp_path / 'copy'
    train(tiny_config(original, **keep, train_cfg__max_epochs=3))
    assert checkpoints(original) == ['iter_15.pth', 'iter_18.pth']
    shutil.copytree(original, copy)
    train(tiny_config(copy, **keep, resume=True))
    assert checkpoints(copy) == ['iter_20.pth', 'iter_24.pth']
    assert checkpoints(original) == ['iter_15.pth', 'iter_18.pth']


OFTEN = dict(
    BY_ITERATION,
    default_hooks__checkpoint__interval=4,
    default_hooks__checkpoint__max_keep_ckpts=1,
    default_hooks__logger__interval=1,
)


@pytest.mark.slow
@pytest.mark.parametrize('ranks', [1, 2])
def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, finished, ranks):
    changes = OFTEN if ranks == 1 else OFTEN | TWO
    hooks = [do('disk_full', 9)]
    codes = run_ranks(ends_with_a_sentence, tmp_path, changes, hooks, ranks=ranks)
    assert codes == [3] * ranks
    assert 'iter_24.pth cannot be written' in (tmp_path / 'error_0').read_text()
    assert checkpoints(tmp_path) == ['iter_8.pth']
    assert run_ranks(train_tiny, tmp_path, changes, ranks=ranks) == [0] * ranks
    if ranks == 1:
        assert torch.load(tmp_path / 'end_0.pth')['model'] == finished[1]['model']


@pytest.mark.slow
def test_training_goes_on_where_a_full_disk_is_mended(tmp_path):
    hooks = [do('disk_full', 9), do('disk_mended', 17)]
    assert run_ranks(train_tiny, tmp_path, OFTEN, hooks) == [0]
    assert checkpoints(tmp_path) == ['end_0.pth', 'iter_24.pth']
    rows = read_scalars(next(tmp_path.rglob('scalars.json')))
    assert {8, 19} <= {row['step'] for row in rows}
    assert not {11, 15} & {row['step'] for row in rows}


@pytest.mark.slow
def test_checkpoints_go_to_a_disk(tmp_path):
    config = tiny_config(tmp_path, default_hooks__checkpoint__out_dir='s3://bucket')
    with pytest.raises((ValueError, ImportError), match='SafeCheckpointHook|boto|petrel'):
        train(config)


# --- the loss


@pytest.mark.slow
@pytest.mark.parametrize(('ranks', 'spoilt'), [(1, 0), (2, 1)])
def test_a_loss_that_is_no_number_stops_before_the_step(tmp_path, ranks, spoilt):
    changes = dict(TWO, **BY_ITERATION, default_hooks__checkpoint__interval=4)
    codes = run_ranks(
        ends_with_a_sentence, tmp_path, changes, [do('spoil_images', 10, spoilt)], ranks=ranks
    )
    assert codes == [3] * ranks
    for rank in range(ranks):
        said = (tmp_path / f'error_{rank}').read_text()
        assert 'the loss of iteration 10 is not finite' in said
        assert 'lower learning rate' in said
    saved = torch.load(tmp_path / 'non_finite_iter_10.pth', weights_only=False)
    weights = [value for name, value in saved['state_dict'].items() if name.endswith('weight')]
    assert all(value.isfinite().all() for value in weights)
    assert len(saved['meta']['images']) == 16
    assert latest_checkpoint(tmp_path).name == 'iter_8.pth'


# --- signals


@pytest.mark.slow
@pytest.mark.parametrize(
    ('ranks', 'notify'),
    [
        (1, 'sigint'),
        (2, 'sigusr1'),
        pytest.param(1, 'sigterm', marks=pytest.mark.nightly),
        pytest.param(1, 'sigusr1', marks=pytest.mark.nightly),
        pytest.param(2, 'sigterm', marks=pytest.mark.nightly),
    ],
)
def test_a_signal_saves_and_leaves_with_a_code_of_its_own(tmp_path, finished, notify, ranks):
    changes = TWO if ranks == 2 else {}
    notified = ranks - 1
    codes = run_ranks(train_tiny, tmp_path, changes, [do(notify, 13, notified)], ranks=ranks)
    assert codes == [75] * ranks
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'iter_14.pth')
    assert run_ranks(train_tiny, tmp_path, changes, ranks=ranks) == [0] * ranks
    if ranks == 1:
        assert torch.load(tmp_path / 'end_0.pth') == finished[1]


@pytest.mark.slow
def test_a_signal_to_the_group_leaves_the_workers_until_the_run_has_saved(tmp_path):
    changes = dict(train_dataloader__num_workers=2)
    assert run_ranks(train_in_a_group, tmp_path, changes, [do('sigterm_to_group', 13)]) == [75]
    assert checkpoints(tmp_path)[-1] == 'iter_14.pth'


def test_a_second_press_ends_at_once(monkeypatch, capfd):
    handlers = {}
    monkeypatch.setattr('signal.signal', handlers.__setitem__)
    hook = PreemptionHook()
    hook._note(signal.SIGTERM, None)
    assert not handlers
    hook._note(signal.SIGINT, None)
    # The kernel ends the process, whatever it is in.
    assert handlers == dict.fromkeys([signal.SIGINT, signal.SIGTERM], signal.SIG_DFL)
    assert 'press Ctrl-C again to end at once' in capfd.readouterr().err


@pytest.mark.slow
def test_signals_are_given_back_and_need_a_checkpoint_hook(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    train(tiny_config(tmp_path, train_cfg__max_epochs=3))
    assert signal.getsignal(signal.SIGTERM) == before
    config = tiny_config(tmp_path, default_hooks__checkpoint__type='CheckpointHook')
    with pytest.raises(ValueError, match='PreemptionHook needs SafeCheckpointHook'):
        train(config)


# --- a process that dies


@pytest.mark.slow
@pytest.mark.parametrize('victim', [0, 1])
def test_a_rank_that_dies_ends_the_other(tmp_path, victim):
    started = time.monotonic()
    hooks = [dict(type='KillHook', iteration=8, stage='forward', rank=victim)]
    codes = run_ranks(train_tiny, tmp_path, TWO, hooks, ranks=2)
    assert codes[victim] == -signal.SIGKILL
    assert codes[1 - victim] == 1
    assert time.monotonic() - started < 120


@pytest.mark.slow
def test_a_rank_that_hangs_ends_the_other_by_the_time_out(tmp_path):
    changes = dict(TWO, env_cfg__dist_cfg__timeout=10)
    codes = run_ranks(train_tiny, tmp_path, changes, [do('hang', 8, 1)], ranks=2, grace=1)
    assert codes == [1, -signal.SIGKILL]


# --- images


def unreadable_batch(*images: int) -> dict:
    samples = [dict(unreadable=[(image, f'{image}.jpg', 'truncated')]) for image in images]
    return dict(data_samples=[*samples, {}])


class Notes:
    """Stands in for a runner and its logger."""

    iter = 0

    def __init__(self) -> None:
        self.logger = self
        self.lines: list[str] = []
        self.train_dataloader = type('Loader', (), dict(dataset=range(50)))

    def warning(self, line: str) -> None:
        self.lines.append(line)


def test_unreadable_images_are_counted_once_and_limited():
    hook, runner = UnreadableImageHook(limit=2, interval=1), Notes()
    for batch in (unreadable_batch(7), unreadable_batch(7, 9), unreadable_batch()):
        hook.after_train_iter(runner, 0, batch)
    assert [line.split(': ')[1] for line in runner.lines] == [
        '7.jpg (truncated)',
        '9.jpg (truncated)',
    ]
    with pytest.raises(TrainingError, match='3 images of 50 cannot be read, the last is 8.jpg'):
        hook.after_train_iter(runner, 0, unreadable_batch(8))


@pytest.mark.slow
@pytest.mark.parametrize(('limit', 'codes'), [(100, [0]), (3, [3]), (3, [3, 3])])
def test_a_run_with_unreadable_images(tmp_path, limit, codes):
    (tmp_path / 'photos').mkdir()
    for i, digit in enumerate(load_digits().images[:192]):
        Image.fromarray((digit * 15.9).astype('uint8')).save(tmp_path / f'photos/{i:03}.png')
    load = dict(type='LoadImageFromFile', color_type='grayscale', imdecode_backend='pillow')
    base = tiny_config(tmp_path)
    folder = dict(_delete_=True, type='ImageFolder', data_root=str(tmp_path / 'photos'))
    changes = dict(
        train_dataloader__dataset=dict(folder, pipeline=[load, *base.train_pipeline]),
        default_hooks__clustering__dataloader__dataset=dict(
            folder, pipeline=[load, *base.test_pipeline]
        ),
        default_hooks__unreadable_images__limit=limit,
        train_cfg__max_epochs=3,
        default_hooks__clustering__warmup_epochs=2,
    )
    hooks = [do('spoil_photos', 0, 0)]
    found = run_ranks(ends_with_a_sentence, tmp_path, changes, hooks, ranks=len(codes))
    assert found == codes
    log = next(tmp_path.rglob('*.log')).read_text()
    assert 'Unreadable image, replaced by another' in log
