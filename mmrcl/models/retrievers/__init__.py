"""Key retrievers: which keys a query is compared with."""

from .key_retrievers import (
    ClusterRetriever,
    GalleryRetriever,
    Keys,
    LevelRetriever,
    NearestRetriever,
    OwnViewRetriever,
    RetrievalInput,
)

__all__ = [
    'ClusterRetriever',
    'GalleryRetriever',
    'Keys',
    'LevelRetriever',
    'NearestRetriever',
    'OwnViewRetriever',
    'RetrievalInput',
]
