"""Features of a whole data set by a frozen encoder, sharded over ranks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_gather
from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmrcl.progress import progress


class Extracted(NamedTuple):
    """Features of a data set, in its order.

    Attributes:
        features: shape (N, d).
        classes: true classes, shape (N,), or None where a sample has none.
    """

    features: Tensor
    classes: Tensor | None


def unwrapped(model: nn.Module) -> Any:
    """The model itself, whether or not a wrapper such as DDP holds it."""
    return model.module if is_model_wrapper(model) else model


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Puts ``model`` into eval mode, without gradients, and back into its own mode."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def extract(model: Any, encode: Callable[[Tensor], Tensor], dataloader: DataLoader) -> Extracted:
    """Runs ``encode`` over all images, in eval mode, and gathers the result on every rank.

    Shows progress and the time left on the main process. An image that could not be read, for which
    a loader of :func:`mmrcl.features.resumable` gives another, gets zero features.

    Args:
        model: owner of the ``data_preprocessor``; put into eval mode meanwhile.
        encode: features of a batch of images.
        dataloader: unshuffled, without augmentation; every rank must give as many samples, as
            mmengine's ``DefaultSampler`` does by repeating some.

    Raises:
        ValueError: if samples lack ``sample_idx`` or it is no position in the data set.
    """
    features, indices, classes = [], [], []
    with eval_mode(model):
        for batch in progress(dataloader, 'Extracting features'):
            data = model.data_preprocessor(batch, False)
            features.append(encode(data['inputs']).float())
            for row, sample in zip(features[-1], data['data_samples'], strict=True):
                if 'unreadable' in sample:
                    indices.append(sample.unreadable[0][0])
                    row.zero_()
                else:
                    indices.append(sample.get('sample_idx', -1))
                classes.append(int(sample.gt_label) if 'gt_label' in sample else -1)
    shard = torch.cat(features)
    features.clear()  # Of ImageNet these are 10 GB.
    about = torch.tensor([indices, classes], device=shard.device).T.contiguous()
    size = len(dataloader.dataset)  # type: ignore[arg-type]
    return _in_order(_gather(shard), _gather(about), size)


def pooled(maps: Tensor | Sequence[Tensor]) -> Tensor:
    """What a backbone gives, its last map averaged over space, as vectors (n, channels)."""
    last = maps if isinstance(maps, Tensor) else maps[-1]
    return last.flatten(2).mean(2) if last.ndim > 2 else last


def extract_representation(model: Any, dataloader: DataLoader) -> tuple[Tensor, Tensor]:
    """Features of the backbone, its last map averaged over space, and the true classes.

    Args:
        model: holds ``backbone`` and ``data_preprocessor``, with or without a wrapper such as DDP.
        dataloader: as for :func:`extract`.

    Returns:
        Features (N, channels) and classes (N,), the same on every rank.

    Raises:
        ValueError: if an image has no ``gt_label``.
    """
    model = unwrapped(model)
    features, classes = extract(model, lambda images: pooled(model.backbone(images)), dataloader)
    if classes is None:
        raise ValueError(
            f'{type(dataloader.dataset).__name__} gives no gt_label for some image: kNN and linear '
            'evaluation need the classes of all images'
        )
    return features, classes


def _gather(shard: Tensor) -> Tensor:
    shards = all_gather(shard)
    return torch.cat(shards) if len(shards) > 1 else shards[0]


def _in_order(features: Tensor, about: Tensor, size: int) -> Extracted:
    indices, classes = about.T
    seen = torch.zeros(size, dtype=torch.bool, device=features.device)
    seen[indices[(indices >= 0) & (indices < size)]] = True
    if int(indices.min()) < 0 or not bool(seen.all()):
        raise ValueError(
            'the samples must carry sample_idx, each its own position in the data set: keep '
            '"sample_idx" among the meta_keys of PackInputs, and do not wrap several data sets '
            'into one (a single data set with several folders or annotation files can be given)'
        )
    ordered = features.new_empty(size, features.shape[1])
    ordered[indices] = features
    named = classes.new_empty(size)
    named[indices] = classes
    return Extracted(ordered, named if int(named.min()) >= 0 else None)
