"""How long torch's CPU threads spin while they wait for each other.

By default a thread of libgomp, the OpenMP library of torch's wheels, spins for milliseconds at each
barrier. Beside another busy process the thread it waits for may not be running, so a step takes ten
times as long and more. A shorter spin costs little alone and lets the other thread run; see
docs/training.md for the measurements.
"""

import os
from collections.abc import MutableMapping

__all__ = ['SPIN_COUNT', 'limit_spinning']

SPIN_COUNT = 5000
"""Rounds for which a waiting thread of libgomp spins before it sleeps; its default is 300,000."""


def limit_spinning(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set ``GOMP_SPINCOUNT`` unless the user set it or ``OMP_WAIT_POLICY``.

    libgomp reads it when it is loaded, so this has no effect after ``import torch``.
    """
    if not {'GOMP_SPINCOUNT', 'OMP_WAIT_POLICY'} & set(environment):
        environment['GOMP_SPINCOUNT'] = str(SPIN_COUNT)
