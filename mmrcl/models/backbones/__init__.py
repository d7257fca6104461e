"""Backbones: networks of timm and torchvision, and the config of a backbone by its name."""

from .choice import BackboneChoice, backbone_config
from .library_backbone import LIBRARIES, LibraryBackbone, library_network

__all__ = [
    'LIBRARIES',
    'BackboneChoice',
    'LibraryBackbone',
    'backbone_config',
    'library_network',
]
