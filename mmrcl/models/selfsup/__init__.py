"""Self-supervised algorithms."""

from .adco import AdCo
from .base import MomentumQueueSelfSupervisor, QueueSelfSupervisor
from .cpc import CPC
from .msf import MSF
from .nnclr import NNCLR
from .parts import KeyBatch, named_neck
from .pcl import PCL
from .rcl import RCL

__all__ = [
    'AdCo',
    'CPC',
    'MSF',
    'NNCLR',
    'PCL',
    'RCL',
    'KeyBatch',
    'MomentumQueueSelfSupervisor',
    'QueueSelfSupervisor',
    'named_neck',
]
