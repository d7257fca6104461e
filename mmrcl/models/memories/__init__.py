"""Stores of keys."""

from .support_queue import SupportQueue

__all__ = ['SupportQueue']
