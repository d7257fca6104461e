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
    words = _words(seed, place)
    random.seed(words[0])
    np.random.seed(words[1])
    torch.manual_seed(words[2])


@contextmanager
def seeded(seed: int, *place: int) -> Iterator[None]:
    """Seed as :func:`seed_all` inside the context, CPU only; restore the generators afterwards."""
    words = _words(seed, place)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(words[0])
    np.random.seed(words[1])
    torch.default_generator.manual_seed(words[2])
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def _words(seed: int, place: tuple[int, ...]) -> list[int]:
    return np.random.SeedSequence(seed, spawn_key=place).generate_state(3).tolist()
