"""Synchronised batch norm in networks of other libraries."""

from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .sync_batch_norm import SyncBatchNorm

_PLAIN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class _SyncBatchNormAct(SyncBatchNorm):
    """Counterpart of timm's ``BatchNormAct2d``, which contains dropout and activation."""

    def __init__(self, num_features: int, drop: nn.Module, act: nn.Module) -> None:
        super().__init__(num_features)
        self.drop = drop
        self.act = act

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = self.act(self.drop(super().forward(input)))
        return output


def synchronize_norms(module: nn.Module) -> None:
    """Replace the batch norms in a module by :class:`SyncBatchNorm`, in place.

    Names and values of the state dict stay. In one process the outputs do too. mmengine's
    ``sync_bn`` would drop the activations of timm's norms.

    Args:
        module: any network. Norms of classes other than torch's and timm's are left alone.
    """
    for name, child in module.named_children():
        if isinstance(child, _BatchNorm):
            setattr(module, name, _synchronized(child))
        else:
            synchronize_norms(child)


def _synchronized(layer: Any) -> _BatchNorm:
    if hasattr(layer, 'act') and hasattr(layer, 'drop'):
        new: SyncBatchNorm = _SyncBatchNormAct(layer.num_features, layer.drop, layer.act)
    elif type(layer) in _PLAIN:
        new = SyncBatchNorm(layer.num_features)
    else:
        return layer  # type: ignore[no-any-return]
    for setting in ('eps', 'momentum', 'affine', 'track_running_stats', 'training'):
        setattr(new, setting, getattr(layer, setting))
    new._parameters.update(layer._parameters)
    new._buffers.update(layer._buffers)
    return new
