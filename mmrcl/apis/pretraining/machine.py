"""What the machine has."""

import os
from typing import NamedTuple

import torch

__all__ = ['Machine', 'look_at_machine']

GIGABYTE = 1e9


class Machine(NamedTuple):
    """What a machine has for a training.

    Attributes:
        cores: processor cores that this process may use.
        memory: main memory, in GB.
        gpus: number of GPUs.
        gpu_memory: memory of the first GPU, in GB.
        bfloat16: whether the GPUs compute in bfloat16.
    """

    cores: int
    memory: float
    gpus: int = 0
    gpu_memory: float = 0.0
    bfloat16: bool = False

    def __str__(self) -> str:
        """Format one line."""
        gpus = f'{self.gpus} GPUs of {self.gpu_memory:.0f} GB' if self.gpus else 'no GPU'
        return f'{gpus}, {self.cores} cores, {self.memory:.0f} GB of memory'


def look_at_machine() -> Machine:
    """Return what this machine has."""
    memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / GIGABYTE
    cores = len(os.sched_getaffinity(0))
    if not torch.cuda.is_available():
        return Machine(cores, memory)
    held = torch.cuda.get_device_properties(0).total_memory / GIGABYTE
    return Machine(cores, memory, torch.cuda.device_count(), held, torch.cuda.is_bf16_supported())
