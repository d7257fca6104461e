"""Loops of the runner."""

from .representation_loop import RepresentationTestLoop
from .resumable_loop import ResumableTrainLoop

__all__ = ['RepresentationTestLoop', 'ResumableTrainLoop']
