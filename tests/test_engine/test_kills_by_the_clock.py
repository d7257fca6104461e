"""A run that is killed at random moments and resumed ends as if nothing had happened."""

import random
import shutil
import time
from pathlib import Path

import pytest
import torch

from ..terminal import kill, wait_for_end
from .children import BY_ITERATION, digest, run_ranks, train_tiny
from .launched import launch

# The first clustering is before iteration 12, and keys are drawn at random.
CHANGES = dict(BY_ITERATION, model__retrievers__1__select='random')
TWO = dict(CHANGES, train_dataloader__batch_size=16)
LAST = 'iter_24.pth'


def state_of(checkpoint: Path) -> dict[str, str]:
    """Hashes of all that a run resumes from, but for its log."""
    found = torch.load(checkpoint, 'cpu', weights_only=False)
    return {
        name: digest(part) for name, part in found.items() if name not in ('meta', 'message_hub')
    }


def finish(work_dir: Path, changes: dict, ranks: int) -> dict[str, str]:
    assert run_ranks(train_tiny, work_dir, changes, ranks=ranks) == [0] * ranks
    return state_of(work_dir / LAST)


@pytest.mark.nightly
def test_twenty_kills_of_one_process(tmp_path):
    changes = dict(CHANGES, default_hooks__checkpoint__interval=1)
    start = time.monotonic()
    expected = finish(tmp_path / 'undisturbed', changes, 1)
    duration, draw, kills = time.monotonic() - start, random.Random(0), 0
    work_dir = tmp_path / 'killed'
    while kills < 20:
        wait = draw.uniform(0, duration)
        [code] = run_ranks(train_tiny, work_dir, changes, timeout=wait, grace=0)
        kills += code == -9
        if code != -9:  # It was faster than the clock: begin another one.
            assert code == 0 and state_of(work_dir / LAST) == expected
            shutil.rmtree(work_dir)
    assert finish(work_dir, changes, 1) == expected


@pytest.mark.nightly
def test_ten_kills_of_two_processes_and_their_launcher(tmp_path):
    expected = finish(tmp_path / 'undisturbed', TWO, 2)
    work_dir, draw = tmp_path / 'killed', random.Random(0)
    for turn in range(10):
        with launch(work_dir, **TWO, default_hooks__checkpoint__interval=1) as run:
            run.read_until('Checkpoints will be saved')
            ranks = run.children()
            assert len(ranks) == 2
            time.sleep(draw.uniform(0, 2))
            # Every second time the launcher dies alone, and its ranks must end by themselves.
            for pid in [run.process.pid, *(ranks if turn % 2 else [])]:
                kill(pid)
            run.process.wait()
            wait_for_end(ranks)
    with launch(work_dir, **TWO, default_hooks__checkpoint__interval=1) as run:
        assert run.code() == 0, run.said[-3000:]
    assert state_of(work_dir / LAST) == expected
