"""A hierarchy as one HTML page: tree, map, thumbnails, similar images, search and curves."""

from .atlas import import_pyarrow
from .content import Retrieved, choose_clusters
from .page import SIDE, write_report
from .sprites import thumbnail

__all__ = [
    'SIDE',
    'Retrieved',
    'choose_clusters',
    'import_pyarrow',
    'thumbnail',
    'write_report',
]
