"""Copies between host and device that let both go on with their work."""

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor of the host to ``device``; on CUDA the host does not wait for the copy."""
    if device.type != 'cuda':
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


class HostCopy:
    """A copy of a tensor on its way to the host.

    The device makes it in turn, after the work that it was given before. :meth:`read` waits for
    the copy alone, so the device keeps busy with what it was given since.

    Args:
        values: any tensor, which must not change until it is read.
    """

    def __init__(self, values: Tensor) -> None:
        self._values = values.to('cpu', non_blocking=True)
        self._arrival: torch.cuda.Event | None = None
        if values.is_cuda:
            self._arrival = torch.cuda.Event()
            self._arrival.record()

    def read(self) -> Tensor:
        """Return the values, on the host."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return self._values
