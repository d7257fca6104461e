"""Self-supervised algorithms."""

from .base import BankSelfSupervisor, MomentumQueueSelfSupervisor, QueueSelfSupervisor
from .cmc import CMC
from .instdisc import InstDisc
from .msf import MSF
from .nnclr import NNCLR
from .parts import KeyBatch, named_neck
from .pcl import PCL
from .pirl import PIRL
from .rcl import RCL

__all__ = [
    'CMC',
    'MSF',
    'NNCLR',
    'PCL',
    'PIRL',
    'RCL',
    'BankSelfSupervisor',
    'InstDisc',
    'KeyBatch',
    'MomentumQueueSelfSupervisor',
    'QueueSelfSupervisor',
    'named_neck',
]
