"""Functions that the algorithms share: views, dataset indices, keys of all ranks, width checks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from mmengine.dist import all_gather
from mmpretrain.structures import DataSample
from torch import Tensor

from ..memories import SupportQueue


class KeyBatch(NamedTuple):
    """Keys of the last step, of all ranks.

    Attributes:
        indices: images, shape (n,).
        features: L2-normalised, shape (n, d).
    """

    indices: Tensor
    features: Tensor


def two_views(inputs: list[Tensor], algorithm: str) -> list[Tensor]:
    """Return the two views of a batch, each of shape (N, C, height, width).

    Raises:
        ValueError: for another number of views.
    """
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
        found = len(inputs) if isinstance(inputs, (list, tuple)) else 1
        raise ValueError(
            f'{algorithm} takes two views of each image, not {found}: list two in '
            'data_preprocessor.views or, where the pipeline makes them, in '
            'dict(type="MultiView", num_views=[1, 1], transforms=[view_1, view_2])'
        )
    return list(inputs)


def sample_indices(data_samples: list[DataSample], algorithm: str) -> Tensor:
    """Return the dataset index of each image, shape (N,).

    Raises:
        ValueError: if the samples carry none.
    """
    if not data_samples or 'sample_idx' not in data_samples[0]:
        raise ValueError(
            f'{algorithm} needs the dataset index of each image, and the data samples carry no '
            'sample_idx: keep "sample_idx" among the meta_keys of PackInputs, and use a data set '
            'based on mmengine.dataset.BaseDataset'
        )
    return torch.tensor([sample.sample_idx for sample in data_samples], dtype=torch.long)


@contextmanager
def named_width(setting: str, channels: int) -> Iterator[None]:
    """Convert the error of a linear layer with another input width to one with the setting."""
    try:
        yield
    except RuntimeError as error:
        if 'shapes cannot be multiplied' not in str(error):
            raise
        raise ValueError(
            f'{setting} does not take {channels} channels: set {setting}.in_channels={channels} '
            f'({error})'
        ) from error


def in_sampling_order(shard: Tensor) -> Tensor:
    """Gather the rows of all ranks, in the order in which a single process would see the images.

    Samplers assign images to the ranks in turn, so the rows of the ranks are interleaved.

    Args:
        shard: rows of this rank, shape (n, ...), n the same on all.

    Returns:
        Rows of all ranks, without gradient, shape (ranks * n, ...).
    """
    return torch.stack(all_gather(shard), 1).flatten(0, 1)


@torch.no_grad()
def enqueue_of_all_ranks(queue: SupportQueue, keys: Tensor, indices: Tensor) -> None:
    """Enqueue the keys (N, d) and dataset indices (N,) of all ranks."""
    queue.enqueue(in_sampling_order(keys), in_sampling_order(indices))
