"""Heads."""

from .rcl_head import RCLHead

__all__ = ['RCLHead']
