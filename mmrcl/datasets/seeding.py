"""Random numbers determined by seed and position in the run, not by earlier draws."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_all(seed: int, *place: int) -> None:
    """Seed Python, NumPy and torch, GPUs included, from a seed and a position in the run.

    Args:
        seed: seed of the run, non-negative.
        place: non-negative integers, such as iteration and rank.
    """
    torch.manual_seed(_seed_others(seed, place))


def seed_cpu(seed: int, *place: int) -> None:
    """Seed as :func:`seed_all`, but no GPU."""
    torch.default_generator.manual_seed(_seed_others(seed, place))


@contextmanager
def restored_generators() -> Iterator[None]:
    """Restore the generators that :func:`seed_cpu` seeds after the context."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def _seed_others(seed: int, place: tuple[int, ...]) -> int:
    """Seed Python and NumPy, and return a seed for torch."""
    words = np.random.SeedSequence(seed, spawn_key=place).generate_state(3).tolist()
    random.seed(words[0])
    np.random.seed(words[1])
    return int(words[2])
