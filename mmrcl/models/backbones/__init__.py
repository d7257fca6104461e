"""Backbones: networks of timm and torchvision, of two halves, and the config of one by its name."""

from .choice import BackboneChoice, backbone_config
from .halves import ColorHalves, FrequencyHalves
from .halves_backbone import HalvesBackbone
from .library_backbone import LIBRARIES, LibraryBackbone, library_network
from .mocov3_vit import MoCoV3ViT

__all__ = [
    'LIBRARIES',
    'BackboneChoice',
    'ColorHalves',
    'FrequencyHalves',
    'HalvesBackbone',
    'LibraryBackbone',
    'MoCoV3ViT',
    'backbone_config',
    'library_network',
]
