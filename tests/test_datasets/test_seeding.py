import random

import numpy as np
import pytest
import torch

from mmrcl.datasets.seeding import restored_generators, seed_all, seed_cpu


def draws() -> tuple[float, ...]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


@pytest.mark.parametrize('place', [(), (0,), (0, 0), (3, 0), (0, 3), (3, 1, 2)])
def test_numbers_follow_from_seed_and_place_alone(place):
    seed_all(5, *place)
    first = draws()
    seed_cpu(5, *place)
    assert draws() == first
    for other in ((6, *place), (5, *place, 0), (5, 1, *place)):
        seed_all(*other)
        assert not set(first) & set(draws())


def test_what_is_around_goes_on_as_if_nothing_was_drawn():
    seed_all(0)
    expected = draws() + draws()
    seed_all(0)
    first = draws()
    with restored_generators():
        seed_cpu(1, 2)
        draws()
    with pytest.raises(KeyError), restored_generators():
        seed_cpu(1, 2)
        raise KeyError
    assert first + draws() == expected
