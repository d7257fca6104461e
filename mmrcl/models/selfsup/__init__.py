"""Self-supervised algorithms."""

from .base import BankSelfSupervisor, MomentumQueueSelfSupervisor, QueueSelfSupervisor
from .cluster_classifier import ClusterClassifier
from .cmc import CMC
from .instdisc import InstDisc
from .local_agg import LocalAgg
from .msf import MSF
from .nnclr import NNCLR
from .odc import ODC
from .parts import KeyBatch, named_neck
from .pcl import PCL
from .pirl import PIRL
from .rcl import RCL

__all__ = [
    'CMC',
    'MSF',
    'NNCLR',
    'ODC',
    'PCL',
    'PIRL',
    'RCL',
    'BankSelfSupervisor',
    'ClusterClassifier',
    'InstDisc',
    'KeyBatch',
    'LocalAgg',
    'MomentumQueueSelfSupervisor',
    'QueueSelfSupervisor',
    'named_neck',
]
