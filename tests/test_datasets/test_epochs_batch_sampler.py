import multiprocessing
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader, Dataset

from mmrcl.datasets import EpochsBatchSampler, ResumableSampler, SampleKey

SHUFFLED = dict(type='DefaultSampler', shuffle=True)


@pytest.fixture(autouse=True, scope='module')
def scope():
    with DefaultScope.overwrite_default_scope('mmrcl'):
        yield


def expected_batches(seed: int, epoch: int, images: int, size: int, drop_last: bool) -> list:
    """The batches of one epoch, as torch's own loader makes them."""
    order = torch.randperm(images, generator=torch.Generator().manual_seed(seed + epoch)).tolist()
    batches = [order[start : start + size] for start in range(0, images, size)]
    if drop_last:
        batches = [batch for batch in batches if len(batch) == size]
    return [[SampleKey(seed, epoch, image) for image in batch] for batch in batches]


@given(
    images=st.integers(4, 30),
    size=st.integers(1, 4),
    drop_last=st.booleans(),
    epochs=st.integers(1, 4),
    data=st.data(),
)
def test_it_goes_on_with_the_next_epoch_from_any_batch(images, size, drop_last, epochs, data):
    sampler = ResumableSampler(SHUFFLED, range(images), seed=0)
    batches = EpochsBatchSampler(sampler, size, epochs, drop_last)
    expected = [expected_batches(5, epoch, images, size, drop_last) for epoch in range(epochs)]
    assert len(batches) == len(expected[0])
    epoch = data.draw(st.integers(0, epochs - 1))
    batch = data.draw(st.integers(0, len(batches)))
    batches.start_at(5, epoch, batch)
    rest = expected[epoch][batch:] + sum(expected[epoch + 1 :], [])
    assert list(batches) == rest
    assert len(batches) == len(expected[0])


def test_another_pass_is_one_epoch_and_changes_nothing_of_the_first():
    """As of a hook that reads the loader of the training."""
    sampler = ResumableSampler(SHUFFLED, range(10), seed=0)
    batches = EpochsBatchSampler(sampler, 3, max_epochs=4)
    epochs = [expected_batches(5, epoch, 10, 3, drop_last=False) for epoch in range(4)]
    assert list(batches) == expected_batches(0, 0, 10, 3, drop_last=False)
    batches.start_at(5, epoch=1, batch=2)
    training = iter(batches)
    found = [next(training) for _ in range(3)]
    assert list(batches) == epochs[2]
    other = iter(batches)
    next(other)
    assert [*found, *training] == epochs[1][2:] + epochs[2] + epochs[3]


class Counted(Dataset):
    """Counts in shared memory what was fetched of each epoch."""

    def __init__(self, images: int, epochs: int) -> None:
        self.images = images
        self.fetched = multiprocessing.get_context('fork').Array('i', epochs)

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, key: SampleKey) -> int:
        with self.fetched.get_lock():
            self.fetched[key.epoch] += 1
        return key.image

    def wait_for(self, expected: list[int]) -> None:
        """Wait until this much was fetched."""
        end = time.monotonic() + 60
        while self.fetched[:] != expected and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)  # or more, if it were
        assert self.fetched[:] == expected


def test_workers_fetch_the_next_epoch_while_the_last_batch_trains():
    """2 workers with 2 batches of 3 images each are 12 images ahead of what was handed out."""
    data = Counted(images=24, epochs=3)
    sampler = ResumableSampler(SHUFFLED, data, seed=0)
    batches = EpochsBatchSampler(sampler, 3, max_epochs=3)
    batches.start_at(0, epoch=0, batch=0)
    loader = DataLoader(
        data, batch_sampler=batches, num_workers=2, prefetch_factor=2,
        multiprocessing_context='fork',
    )  # fmt: skip
    found = iter(loader)
    seen = []
    for ahead in ([24, 12, 0], [24, 24, 12], [24, 24, 24]):
        seen += [torch.cat([next(found) for _ in range(len(loader))])]
        data.wait_for(ahead)
    with pytest.raises(StopIteration):
        next(found)
    assert all(sorted(epoch.tolist()) == list(range(24)) for epoch in seen)
