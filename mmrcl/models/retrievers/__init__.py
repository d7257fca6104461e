"""Key retrievers: which keys a query is compared with."""

from .key_retrievers import (
    ClusterRetriever,
    GalleryRetriever,
    Keys,
    LevelRetriever,
    NearestRetriever,
    RetrievalInput,
    SameImageRetriever,
)

__all__ = [
    'ClusterRetriever',
    'GalleryRetriever',
    'Keys',
    'LevelRetriever',
    'NearestRetriever',
    'SameImageRetriever',
    'RetrievalInput',
]
