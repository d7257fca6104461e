"""Batch norm over the images of all processes."""

from .conversion import synchronize_norms
from .sync_batch_norm import SyncBatchNorm

__all__ = ['SyncBatchNorm', 'synchronize_norms']
