"""Memories of past batches and epochs."""

from .adversarial_negatives import AdversarialNegatives
from .feature_bank import FeatureBank
from .online_clusters import OnlineClusters
from .prototype_hierarchy import PrototypeHierarchy, Prototypes
from .pseudo_labels import PseudoLabels
from .support_queue import SupportQueue

__all__ = [
    'AdversarialNegatives',
    'FeatureBank',
    'OnlineClusters',
    'PrototypeHierarchy',
    'Prototypes',
    'PseudoLabels',
    'SupportQueue',
]
