"""A hierarchy as one HTML page: zoomable map, thumbnails, search, retrievals and curves."""

from .content import Retrieved
from .page import SIDE, write_report
from .sprites import thumbnail

__all__ = ['SIDE', 'Retrieved', 'thumbnail', 'write_report']
