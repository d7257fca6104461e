"""Mixed precision in bfloat16 on GPU and CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from mmengine.runner.amp import autocast
from torch import nn

from mmrcl.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Optimiser wrapper with bfloat16 autocast; parameters, gradients and state stay float32.

    bfloat16 has the range of float32, so no loss scaling is needed. mmengine's ``AmpOptimWrapper``
    always has a loss scaler and does not run without a GPU.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run the forward pass under autocast."""
        with super().optim_context(model), autocast(dtype=torch.bfloat16):
            yield
