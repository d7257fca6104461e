"""Self-supervised algorithms."""

from .base import MomentumQueueSelfSupervisor, QueueSelfSupervisor
from .cluster_classifier import ClusterClassifier
from .local_agg import LocalAgg
from .msf import MSF
from .nnclr import NNCLR
from .odc import ODC
from .parts import KeyBatch, named_neck
from .pcl import PCL
from .rcl import RCL

__all__ = [
    'MSF',
    'NNCLR',
    'ODC',
    'PCL',
    'RCL',
    'ClusterClassifier',
    'KeyBatch',
    'LocalAgg',
    'MomentumQueueSelfSupervisor',
    'QueueSelfSupervisor',
    'named_neck',
]
