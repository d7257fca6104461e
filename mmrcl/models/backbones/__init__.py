"""The config of a backbone by its name."""

from .choice import BackboneChoice, backbone_config

__all__ = ['BackboneChoice', 'backbone_config']
