"""mmrcl: self-supervised pretraining with the Relative Contrastive Loss."""

from .compatibility import warn_if_untried
from .version import __version__

__all__ = ['__version__']

warn_if_untried()
