"""Random numbers that depend on (seed, epoch, rank) alone, so that a run resumes exactly."""

import random

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.registry import FUNCTIONS, HOOKS


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds Python, NumPy and torch at the start of each epoch.

    mmengine's checkpoints hold no random state; with this hook the numbers of an epoch follow
    from the run's seed, the epoch and the rank, so a run that stops at an epoch's end goes on as
    if it had not. Worker processes follow with ``worker_init_fn=dict(type='seed_worker')`` and
    ``persistent_workers=False``.
    """

    priority = 'VERY_LOW'

    def before_train_epoch(self, runner: Runner) -> None:
        """Runs after the other hooks, just before the loader starts."""
        seed_all(runner.seed, runner.epoch, get_rank())


@FUNCTIONS.register_module()
def seed_worker(worker_id: int, **_: object) -> None:
    """Seeds Python and NumPy in a worker from torch's seed, new each time workers start.

    mmengine's own function gives a worker the same seed every epoch.
    """
    seed_all(torch.initial_seed() % 2**63)


def seed_all(*entropy: int) -> None:
    """Seeds Python, NumPy and torch from any number of non-negative integers."""
    state = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(int(state[1]))
    torch.manual_seed(int(state[2]))
