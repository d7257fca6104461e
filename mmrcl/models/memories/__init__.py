"""Memories of past batches and epochs."""

from .prototype_hierarchy import PrototypeHierarchy, Prototypes
from .support_queue import SupportQueue

__all__ = ['PrototypeHierarchy', 'Prototypes', 'SupportQueue']
