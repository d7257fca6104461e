"""Backbones: networks of timm and torchvision, and the config of a backbone by its name."""

from .choice import BackboneChoice, backbone_config
from .library_backbone import LIBRARIES, LibraryBackbone, library_network
from .mocov3_vit import MoCoV3ViT

__all__ = [
    'LIBRARIES',
    'BackboneChoice',
    'LibraryBackbone',
    'MoCoV3ViT',
    'backbone_config',
    'library_network',
]
