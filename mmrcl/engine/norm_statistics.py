"""Running statistics of batch norms, which differ between processes."""

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmrcl.models import SyncBatchNorm

_SYNCHRONISED = (SyncBatchNorm, nn.SyncBatchNorm)


def norm_statistics(model: nn.Module) -> dict[str, Tensor]:
    """Return the buffers of batch norms that are not synchronised, by state dict name."""
    return {
        f'{name}.{key}': buffer.cpu()
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm) and not isinstance(module, _SYNCHRONISED)
        for key, buffer in module.named_buffers()
    }
