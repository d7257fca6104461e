"""Random numbers that follow from where a run stands, not from what was drawn before."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_all(seed: int, *place: int) -> None:
    """Seeds Python, NumPy and torch, GPUs included, from a seed and a place in the run.

    Args:
        seed: of the run, non-negative.
        place: non-negative integers, such as iteration and rank.
    """
    words = _words(seed, place)
    random.seed(words[0])
    np.random.seed(words[1])
    torch.manual_seed(words[2])


@contextmanager
def seeded(seed: int, *place: int) -> Iterator[None]:
    """Like :func:`seed_all` for the generators of the CPU, which then go on as if unused."""
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
