"""Neighbourhood graphs of the images."""

from .components import Components, connect, joining_pairs
from .euclidean import EuclideanGraph
from .graph import Edges, Graph, KeptEdges
from .jaccard import JaccardGraph

__all__ = [
    'Components',
    'Edges',
    'EuclideanGraph',
    'Graph',
    'JaccardGraph',
    'KeptEdges',
    'connect',
    'joining_pairs',
]
