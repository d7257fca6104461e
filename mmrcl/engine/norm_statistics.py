"""Running statistics of batch norms, which each process has of its own."""

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def norm_statistics(model: nn.Module) -> dict[str, Tensor]:
    """Buffers of the batch norms that are not synchronised, by their names in the state dict."""
    return {
        f'{name}.{key}': buffer.cpu()
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm)
        for key, buffer in module.named_buffers()
    }
