"""Functions that the algorithms share: views, dataset indices, keys of all ranks, width checks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from mmengine.dist import all_gather
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from mmrcl.device_copies import to_device


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


def one_view(inputs: list[Tensor], algorithm: str) -> Tensor:
    """Return the only view of a batch, shape (N, C, height, width).

    Raises:
        ValueError: for another number of views.
    """
    if not isinstance(inputs, (list, tuple)) or len(inputs) != 1:
        raise ValueError(
            f'{algorithm} takes one view of each image, not {len(inputs)}: list one in '
            'data_preprocessor.views'
        )
    return inputs[0]


def sample_indices(data_samples: list[DataSample], device: torch.device, algorithm: str) -> Tensor:
    """Return the dataset index of each image on ``device``, shape (N,).

    Raises:
        ValueError: if the samples carry none.
    """
    if not data_samples or 'sample_idx' not in data_samples[0]:
        raise ValueError(
            f'{algorithm} needs the dataset index of each image, and the data samples carry no '
            'sample_idx: keep "sample_idx" among the meta_keys of PackInputs, and use a data set '
            'based on mmengine.dataset.BaseDataset'
        )
    return to_device(torch.tensor([sample.sample_idx for sample in data_samples]), device)


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


@contextmanager
def named_neck(neck: nn.Module, maps: Sequence[Tensor]) -> Iterator[None]:
    """Convert the error of a neck that does not fit the backbone to one with the setting.

    Args:
        neck: the projector.
        maps: output of the backbone: feature maps, tokens or vectors.
    """
    last = maps[-1]
    try:
        with named_width('model.neck', last.shape[1]):
            yield
    except (RuntimeError, ValueError) as error:
        setting = _misfit(neck, last)
        if setting is None:
            raise
        raise ValueError(
            f'model.neck does not take {tuple(last.shape)}, the shape of what model.backbone '
            f'returns: set {setting}'
        ) from error


def project(neck: nn.Module, maps: Sequence[Tensor], width: int, memory: str) -> Tensor:
    """Project the output of a backbone: z of shape (N, ``width``), with gradient.

    Args:
        neck: the projector.
        maps: output of the backbone.
        width: of a feature in the memory.
        memory: the setting that holds it.

    Raises:
        ValueError: if the neck does not fit the backbone or the memory.
    """
    with named_neck(neck, maps):
        projection: Tensor = neck(maps)[0]
    if projection.shape[1] != width:
        raise ValueError(
            f'model.neck returns {projection.shape[1]} channels, {memory} holds {width}: set '
            f'model.neck.out_channels={width}'
        )
    return projection


def _misfit(neck: nn.Module, output: Tensor) -> str | None:
    """Return the setting by which a neck would take an output of these dimensions, if it is one."""
    if output.ndim == 3:  # (N, L, d) of a vision transformer
        return "model.backbone.out_type to 'cls_token' or 'avg_featmap'"
    pools = getattr(neck, 'with_avg_pool', None)
    if pools is not None and pools != (output.ndim == 4):
        return f'model.neck.with_avg_pool={not pools}'
    return None


@torch.no_grad()
def keys_of_all_ranks(indices: Tensor, features: Tensor) -> KeyBatch:
    """Gather the keys of all ranks, in the order in which a single process would see the images.

    Samplers assign images to the ranks in turn, so the rows of the ranks are interleaved. Indices
    and features travel as bytes of one tensor, in one collective.

    Args:
        indices: images of this rank, shape (n,), n the same on all.
        features: one or several of each image, shape (n, ..., d).

    Returns:
        Those of all ranks, of shapes (ranks * n,) and (ranks * n, ..., d).
    """
    columns = [
        part.flatten(1).contiguous().view(torch.uint8) for part in (features, indices[:, None])
    ]
    shards = all_gather(torch.cat(columns, 1))
    width = columns[0].shape[1]
    rows = torch.stack(shards, 1).flatten(0, 1)
    return KeyBatch(
        rows[:, width:].contiguous().view(indices.dtype)[:, 0],
        rows[:, :width].contiguous().view(features.dtype).view(-1, *features.shape[1:]),
    )
