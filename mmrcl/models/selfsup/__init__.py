"""Self-supervised algorithms."""

from .msf import MSF
from .nnclr import NNCLR
from .pcl import PCL
from .rcl import RCL, KeyBatch

__all__ = ['MSF', 'NNCLR', 'PCL', 'RCL', 'KeyBatch']
