"""Self-supervised algorithms."""

from .base import MomentumQueueSelfSupervisor, QueueSelfSupervisor
from .msf import MSF
from .nnclr import NNCLR
from .parts import KeyBatch, named_neck
from .pcl import PCL
from .rcl import RCL

__all__ = [
    'MSF',
    'NNCLR',
    'PCL',
    'RCL',
    'KeyBatch',
    'MomentumQueueSelfSupervisor',
    'QueueSelfSupervisor',
    'named_neck',
]
