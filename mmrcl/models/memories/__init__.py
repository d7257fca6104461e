"""Memories of past batches and epochs."""

from .adversarial_negatives import AdversarialNegatives
from .prototype_hierarchy import PrototypeHierarchy, Prototypes
from .support_queue import SupportQueue

__all__ = ['AdversarialNegatives', 'PrototypeHierarchy', 'Prototypes', 'SupportQueue']
