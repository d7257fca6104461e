"""One batch of a size, however it is dealt: to processes, or to iterations in turn."""

import shutil

import pytest
import torch

from .children import BY_ITERATION, run_ranks, train_tiny

# Norms that do not depend on the batch, and keys that are not drawn, which each process and
# iteration does anew: all else must agree. A constant rate, because schedules move by iterations.
# So small an encoder is nearly collapsed, where rounding may decide a merge; not so with this seed.
GROUP = dict(type='GN', num_groups=1)
ALIKE = dict(
    randomness__seed=1,
    model__retrievers=[
        dict(type='SameImageRetriever'),
        dict(type='ClusterRetriever', select='nearest'),
    ],
    model__backbone__norm_cfg=GROUP,
    model__neck__norm_cfg=GROUP,
    model__head__predictor__norm_cfg=GROUP,
)
CONSTANT_RATE = dict(param_scheduler=[])
RECORD = [dict(type='RecordHook')]


def record(work_dir, changes: dict, ranks: int = 1) -> dict:
    """What a run goes through; see RecordHook."""
    work_dir.mkdir(exist_ok=True)
    assert run_ranks(train_tiny, work_dir, changes, RECORD, ranks=ranks) == [0] * ranks
    return torch.load(work_dir / 'record.pth')


def same_images(first: dict, second: dict) -> bool:
    refined = zip(first['refined'], second['refined'], strict=True)
    return torch.equal(first['queue'], second['queue']) and all(
        torch.equal(*pair) for pair in refined
    )


@pytest.fixture(scope='module')
def alone(tmp_path_factory):
    """One process, 32 images a step, 24 steps; the clustering is before the 13th."""
    changes = dict(ALIKE, train_dataloader__batch_size=32)
    return record(tmp_path_factory.mktemp('alone'), changes)


@pytest.mark.slow
def test_two_processes_do_what_one_does_with_their_batch(alone, tmp_path):
    changes = dict(ALIKE, train_dataloader__batch_size=16)
    together = record(tmp_path, changes, ranks=2)
    assert len(together['losses']) == 24
    assert torch.allclose(together['losses'], alone['losses'], rtol=0, atol=1e-5)
    assert same_images(together, alone)
    assert torch.equal(together['labels'], alone['labels'])
    assert len(alone['refined']) == 12
    assert len(alone['labels'][0].unique()) < 192


@pytest.mark.slow
def test_accumulation_does_what_one_large_batch_does(tmp_path):
    shared = dict(ALIKE, **CONSTANT_RATE)
    large = record(tmp_path / 'large', dict(shared, train_dataloader__batch_size=32))
    changes = dict(shared, train_dataloader__batch_size=8, optim_wrapper__accumulative_counts=4)
    small = record(tmp_path / 'small', changes)
    assert len(small['losses']) == 4 * len(large['losses'])
    means = small['losses'].view(-1, 4).mean(1)
    assert torch.allclose(means, large['losses'], rtol=0, atol=1e-5)
    assert same_images(small, large)
    assert torch.equal(small['labels'], large['labels'])


@pytest.mark.slow
def test_with_batch_norm_accumulation_sees_the_same_images(tmp_path):
    """4 x 16 against 64: 150 images leave two steps of an epoch."""
    images = dict(
        model__queue__length=75,
        train_dataloader__dataset__indices=150,
        default_hooks__clustering__dataloader__dataset__indices=150,
        train_cfg__max_epochs=6,
    )
    large = record(tmp_path / 'large', dict(images, train_dataloader__batch_size=64))
    changes = dict(images, train_dataloader__batch_size=16, optim_wrapper__accumulative_counts=4)
    small = record(tmp_path / 'small', changes)
    assert len(small['losses']) == 4 * len(large['losses']) == 48
    assert same_images(small, large)
    assert len(large['refined']) == 8


@pytest.fixture(scope='module')
def of_two(tmp_path_factory):
    """A checkpoint of two processes at iteration 14 of 24, the second of the third epoch."""
    work_dir = tmp_path_factory.mktemp('of_two')
    changes = dict(
        ALIKE,
        **BY_ITERATION,
        train_dataloader__batch_size=16,
        default_hooks__checkpoint__interval=14,
    )
    together = record(work_dir, changes, ranks=2)
    return work_dir / 'iter_14.pth', together


@pytest.mark.slow
def test_one_process_takes_over_from_two_with_their_batch(of_two, tmp_path):
    checkpoint, together = of_two
    shutil.copy(checkpoint, tmp_path)
    rest = record(tmp_path, dict(ALIKE, train_dataloader__batch_size=32))
    assert torch.allclose(rest['losses'], together['losses'][14:], rtol=0, atol=1e-5)
    assert torch.equal(rest['labels'], together['labels'])
    assert 'The resume is not exact' in next(tmp_path.rglob('*.log')).read_text()


@pytest.mark.slow
def test_one_process_goes_on_at_the_same_share_of_training(of_two, tmp_path):
    checkpoint, _ = of_two
    (tmp_path / 'resumed').mkdir()
    shutil.copy(checkpoint, tmp_path / 'resumed')
    changes = dict(ALIKE, train_dataloader__batch_size=16)
    whole = record(tmp_path / 'whole', changes)
    rest = record(tmp_path / 'resumed', changes)
    # 14 of 24 iterations are 28 of 48.
    assert len(whole['losses']) == 48
    assert len(rest['losses']) == 20
    assert torch.allclose(rest['rates'], whole['rates'][28:], rtol=0.05)
    end = torch.load(tmp_path / 'resumed/epoch_4.pth', weights_only=False)
    assert end['state_dict']['momentum_encoder.steps'] == 48


@pytest.mark.slow
def test_two_processes_take_over_from_one(tmp_path):
    """With batch norm, of which each process goes on with that of the one."""
    by_iteration = dict(BY_ITERATION, default_hooks__checkpoint__interval=15)
    record(tmp_path / 'one', dict(by_iteration, train_dataloader__batch_size=16))
    (tmp_path / 'two').mkdir()
    shutil.copy(tmp_path / 'one/iter_45.pth', tmp_path / 'two')
    rest = record(tmp_path / 'two', dict(train_dataloader__batch_size=16), ranks=2)
    assert len(rest['losses']) == 24 - 22
    assert rest['losses'].isfinite().all()
