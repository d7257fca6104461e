"""Memory for the intermediate results of a loop over blocks."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Scratch:
    """Reusable memory for temporary tensors.

    New tensors for each block would cost page faults, half the time of a matrix product, and would
    fragment the heap of the C library by gigabytes.

    Args:
        device: device of the tensors.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.memory: dict[str, Tensor] = {}

    def take(self, name: str, shape: Sequence[int], dtype: torch.dtype = torch.bool) -> Tensor:
        """Return an uninitialised tensor, valid until ``name`` is taken again."""
        size = math.prod(shape)
        if name not in self.memory or len(self.memory[name]) < size:
            self.memory[name] = torch.empty(size, dtype=dtype, device=self.device)
        return self.memory[name][:size].view(shape)
