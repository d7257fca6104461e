"""Self-supervised algorithms."""

from .adco import AdCo
from .base import BankSelfSupervisor, MomentumQueueSelfSupervisor, QueueSelfSupervisor
from .cluster_classifier import ClusterClassifier
from .cmc import CMC
from .cpc import CPC
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
    'AdCo',
    'BankSelfSupervisor',
    'CMC',
    'CPC',
    'ClusterClassifier',
    'InstDisc',
    'KeyBatch',
    'LocalAgg',
    'MSF',
    'MomentumQueueSelfSupervisor',
    'NNCLR',
    'ODC',
    'PCL',
    'PIRL',
    'QueueSelfSupervisor',
    'RCL',
    'named_neck',
]
