"""mmrcl: self-supervised pretraining with the Relative Contrastive Loss."""

from .version import __version__

__all__ = ['__version__']
