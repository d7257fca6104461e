"""A run that is killed and resumed ends as if nothing had happened, to the last bit."""

import random
import signal

import pytest
import torch

from ..runs import VIT
from .children import BY_ITERATION, run_ranks, train_tiny

# 24 iterations in 4 epochs; the first clustering is before iteration 12. Keys are drawn at random.
RANDOM = dict(model__retrievers__1__select='random')
ONE = dict(RANDOM, train_dataloader__batch_size=32)
TWO = dict(RANDOM, train_dataloader__batch_size=16)


def kills(seed: int) -> list[tuple[int, str]]:
    """Four places of death: in warm-up, at the clustering, in refinement, and while saving."""
    draw = random.Random(seed)
    stages = ['forward', 'step']
    return [
        (draw.randrange(1, 11), draw.choice(stages)),
        (12, draw.choice(['epoch', 'saving'])),
        (draw.randrange(13, 20), draw.choice(stages)),
        (draw.randrange(20, 23), draw.choice(['saving', *stages])),
    ]


def ends(work_dir, ranks: int) -> list[dict[str, str]]:
    return [torch.load(work_dir / f'end_{rank}.pth') for rank in range(ranks)]


RUNS = {
    'one process': (1, ONE),
    'two processes': (2, TWO),
    'a vision transformer in two processes': (2, TWO | VIT),
}


@pytest.fixture(scope='module', params=RUNS.values(), ids=RUNS)
def undisturbed(request, tmp_path_factory):
    ranks, size = request.param
    work_dir = tmp_path_factory.mktemp('undisturbed')
    changes = dict(size, **BY_ITERATION, default_hooks__checkpoint__interval=4)
    assert run_ranks(train_tiny, work_dir, changes, ranks=ranks) == [0] * ranks
    return ranks, size, ends(work_dir, ranks)


# Seed 1 dies in all four stages but one, of two processes the second where it can.
@pytest.mark.slow
@pytest.mark.parametrize(
    'seed', [pytest.param(seed, marks=[pytest.mark.nightly] * (seed != 1)) for seed in range(5)]
)
def test_killed_at_four_places(undisturbed, tmp_path, seed):
    ranks, size, expected = undisturbed
    changes = dict(size, **BY_ITERATION, default_hooks__checkpoint__interval=seed + 1)
    for iteration, stage in kills(seed):
        rank = 0 if stage == 'saving' else seed % ranks
        kill = dict(type='KillHook', iteration=iteration, stage=stage, rank=rank)
        codes = run_ranks(train_tiny, tmp_path, changes, [kill], ranks=ranks)
        assert codes[rank] == -signal.SIGKILL, kill
    assert run_ranks(train_tiny, tmp_path, changes, ranks=ranks) == [0] * ranks
    assert ends(tmp_path, ranks) == expected
