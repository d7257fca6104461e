"""A hierarchy as one HTML page: zoomable map, thumbnails, search, retrievals and curves."""

from .content import Retrieved, choose_clusters
from .page import SIDE, write_report
from .sprites import thumbnail

__all__ = ['SIDE', 'Retrieved', 'choose_clusters', 'thumbnail', 'write_report']
