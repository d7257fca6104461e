"""Which checkpoint a run resumes from, also after its work dir was copied or moved."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from mmrcl.checkpoint import latest_checkpoint


def write(folder: Path, **iterations: int) -> None:
    """Writes checkpoints by name, of which each is newer than the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    for age, (name, iteration) in enumerate(iterations.items()):
        path = folder / f'{name}.pth'
        torch.save(dict(meta=dict(iter=iteration), weight=torch.rand(3)), path)
        os.utime(path, (1000 + age, 1000 + age))


def note(folder: Path, path: Path) -> None:
    (folder / 'last_checkpoint').write_text(str(path))


def test_a_copy_resumes_from_its_own_file(tmp_path):
    original, copy = tmp_path / 'original', tmp_path / 'copy'
    write(original, iter_3=3, iter_9=9)
    note(original, original / 'iter_9.pth')
    shutil.copytree(original, copy)
    write(original, iter_99=99)
    assert latest_checkpoint(copy) == copy / 'iter_9.pth'
    # Also where the original has gone on and removed it, or is gone.
    shutil.rmtree(original)
    assert latest_checkpoint(copy) == copy / 'iter_9.pth'
    (copy / 'iter_9.pth').unlink()
    assert latest_checkpoint(copy) == copy / 'iter_3.pth'


def test_iterations_count_and_not_times(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    write(tmp_path, iter_120=120, iter_9=9, non_finite_iter_500=500)
    assert latest_checkpoint(tmp_path).name == 'iter_120.pth'


def test_epochs_are_numbers_too(tmp_path):
    write(tmp_path, epoch_10=60, epoch_9=54)
    assert latest_checkpoint(tmp_path).name == 'epoch_10.pth'


@pytest.mark.parametrize(('stop', 'latest'), [(55, 'epoch_10'), (63, 'iter_63')])
def test_a_stop_between_epochs_is_ordered_by_the_iteration_inside(tmp_path, stop, latest):
    write(tmp_path, **{f'iter_{stop}': stop}, epoch_10=60, epoch_9=54)
    assert latest_checkpoint(tmp_path).stem == latest
    write(tmp_path, epoch_10=60, epoch_9=54, **{f'iter_{stop}': stop})
    assert latest_checkpoint(tmp_path).stem == latest


def test_an_epoch_that_tells_no_iteration_comes_last(tmp_path):
    torch.save(3, tmp_path / 'epoch_3.pth')
    write(tmp_path, iter_4=4)
    assert latest_checkpoint(tmp_path).name == 'iter_4.pth'


def test_checkpoints_of_an_out_dir_are_found_where_the_work_dir_has_none(tmp_path):
    work_dir, out_dir = tmp_path / 'runs/a', tmp_path / 'large_disk/a'
    write(out_dir, epoch_1=6, epoch_2=12)
    work_dir.mkdir(parents=True)
    note(work_dir, out_dir / 'epoch_2.pth')
    assert latest_checkpoint(work_dir) == out_dir / 'epoch_2.pth'
    (out_dir / 'epoch_2.pth').write_bytes(b'half')
    assert latest_checkpoint(work_dir) == out_dir / 'epoch_1.pth'


def test_a_copy_without_checkpoints_does_not_take_those_of_the_original(tmp_path):
    original, copy = tmp_path / 'original', tmp_path / 'copy'
    write(original, iter_9=9)
    copy.mkdir()
    note(copy, original / 'iter_9.pth')
    with pytest.raises(ValueError, match='of another run: copy the checkpoints too'):
        latest_checkpoint(copy)


@pytest.mark.parametrize(('stop', 'latest'), [(11, 'epoch_2'), (13, 'iter_13')])
def test_the_iteration_inside_a_checkpoint_of_a_run(whole_run, tmp_path, stop, latest):
    work_dir, _ = whole_run
    shutil.copy(work_dir / 'epoch_2.pth', tmp_path)
    write(tmp_path, **{f'iter_{stop}': stop})
    assert latest_checkpoint(tmp_path).stem == latest
