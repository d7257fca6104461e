"""Memory for the intermediate results of a loop over blocks."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


class Scratch:
    """Tensors that take the same memory again and again.

    Fresh ones for each block cost page faults, half as much time as a matrix product, and aligned
    blocks of many sizes fragment the heap of the C library, by gigabytes.

    Args:
        device: where the tensors live.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.memory: dict[str, Tensor] = {}

    def take(self, name: str, shape: Sequence[int], dtype: torch.dtype = torch.bool) -> Tensor:
        """A tensor of any content, valid until the next one of this ``name`` is taken."""
        size = math.prod(shape)
        if name not in self.memory or len(self.memory[name]) < size:
            self.memory[name] = torch.empty(size, dtype=dtype, device=self.device)
        return self.memory[name][:size].view(shape)
