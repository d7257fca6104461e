"""The interface of features that do not come from the training."""

from typing import Any, Protocol

from torch import Tensor
from torch.utils.data import DataLoader


class FeatureSource(Protocol):
    """Interface of a feature source: features of all training images that never change.

    In a distributed run all ranks call both methods, with the same arguments.
    """

    def check(self, model: Any, dataloader: DataLoader) -> None:
        """Raise a ValueError, before the training, for features that cannot be had."""
        ...

    def __call__(self, model: Any, dataloader: DataLoader) -> Tensor:
        """Return features of shape (N, D) in the order of the data set, the same on every rank.

        Args:
            model: the algorithm in training, for its ``data_preprocessor`` and device.
            dataloader: the images in order, with the test-time transform.
        """
        ...
