"""Losses and searches outside of autocast."""

import torch
from torch import Tensor


def full_precision(values: Tensor) -> torch.autocast:
    """Disable autocast on the device of ``values``: products of float32 stay in float32.

    Half precision keeps 8 or 11 bits of a product, which the temperature multiplies by 10.
    """
    return torch.autocast(values.device.type, enabled=False)
