"""Self-supervised algorithms."""

from .rcl import RCL, KeyBatch

__all__ = ['RCL', 'KeyBatch']
