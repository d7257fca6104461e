"""Self-supervised algorithms."""

from .msf import MSF
from .nnclr import NNCLR
from .parts import KeyBatch
from .pcl import PCL
from .rcl import RCL

__all__ = ['MSF', 'NNCLR', 'PCL', 'RCL', 'KeyBatch']
