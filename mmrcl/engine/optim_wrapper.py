"""Mixed precision in bfloat16, on a GPU and on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from mmrcl.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Computes under autocast in bfloat16; parameters, gradients and optimiser stay float32.

    bfloat16 has the range of float32, so that no loss is scaled. mmengine's ``AmpOptimWrapper``
    carries a loss scaler in any case and refuses to run without a GPU.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Puts the forward pass under autocast."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
