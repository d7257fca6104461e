import random
from types import SimpleNamespace

import numpy as np
import torch

from mmrcl.engine import EpochSeedHook, seed_worker
from mmrcl.engine.seeding import seed_all


def draws() -> tuple[float, ...]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def after_hook(seed: int, epoch: int) -> tuple[float, ...]:
    EpochSeedHook().before_train_epoch(SimpleNamespace(seed=seed, epoch=epoch))
    return draws()


def test_numbers_follow_from_seed_and_epoch_alone():
    first = after_hook(0, 3)
    draws()
    assert after_hook(0, 3) == first
    for other in (after_hook(0, 4), after_hook(1, 3), after_hook(3, 0)):
        assert not set(first) & set(other)


def test_ranks_draw_apart():
    seed_all(0, 3, 0)
    first = draws()
    seed_all(0, 3, 1)
    assert not set(first) & set(draws())


def test_workers_follow_torch():
    found = []
    for seed in (5, 6, 5):
        torch.manual_seed(seed)
        seed_worker(0, rank=1)
        found.append(draws())
    assert found[0] == found[2]
    assert not set(found[0]) & set(found[1])
