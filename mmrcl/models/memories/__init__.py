"""Memories of past batches and epochs."""

from .feature_bank import FeatureBank
from .prototype_hierarchy import PrototypeHierarchy, Prototypes
from .support_queue import SupportQueue

__all__ = ['FeatureBank', 'PrototypeHierarchy', 'Prototypes', 'SupportQueue']
