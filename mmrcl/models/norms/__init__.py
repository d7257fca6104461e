"""Batch norm over the images of all processes."""

from .sync_batch_norm import SyncBatchNorm

__all__ = ['SyncBatchNorm']
