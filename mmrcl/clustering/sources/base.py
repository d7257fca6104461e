"""The interface of clustering sources."""

from typing import Protocol

from torch import Tensor

from ..sharing import Progress, silent


class ClusteringSource(Protocol):
    """Interface of a clustering source: features in, labels of levels 2..H out."""

    nested: bool

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Cluster features of shape (N, d) into labels of shape (H - 1, N)."""
        ...
