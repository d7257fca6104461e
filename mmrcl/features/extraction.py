"""Features of a whole data set by a frozen encoder, sharded over ranks."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from mmengine.dist import all_gather, all_gather_object
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmrcl.progress import progress


class Extracted(NamedTuple):
    """Features of a data set, in its order.

    Attributes:
        features: shape (N, d).
        classes: true classes, shape (N,), or None if a sample has none.
    """

    features: Tensor
    classes: Tensor | None


def unwrapped(model: nn.Module) -> Any:
    """Return the model itself, without a wrapper such as DDP."""
    return model.module if is_model_wrapper(model) else model


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put ``model`` into eval mode without gradients, and restore its mode afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def extract(model: Any, encode: Callable[[Tensor], Tensor], dataloader: DataLoader) -> Extracted:
    """Run ``encode`` over all images, in eval mode, and gather the result on every rank.

    The main process shows progress and the time left. An unreadable image, which a loader of
    :func:`mmrcl.features.resumable` replaces by another, gets zero features and a warning.

    Args:
        model: owner of the ``data_preprocessor``; put into eval mode during extraction.
        encode: maps a batch of images to features.
        dataloader: unshuffled, without augmentation; every rank must have the same number of
            samples, as with mmengine's ``DefaultSampler``, which repeats some.

    Raises:
        ValueError: if ``sample_idx`` of a sample is missing or not its position in the data set.
    """
    features, indices, classes, faults = [], [], [], dict[str, str]()
    with eval_mode(model):
        for batch in progress(dataloader, 'Extracting features'):
            data = model.data_preprocessor(batch, False)
            features.append(encode(data['inputs']).float())
            for row, sample in zip(features[-1], data['data_samples'], strict=True):
                if 'unreadable' in sample:
                    image, file, reason = sample.unreadable[0]
                    indices.append(image)
                    faults[file] = reason
                    row.zero_()
                else:
                    indices.append(sample.get('sample_idx', -1))
                classes.append(int(sample.gt_label) if 'gt_label' in sample else -1)
    shard = torch.cat(features)
    features.clear()  # Free memory: for ImageNet these are 10 GB.
    about = torch.tensor([indices, classes], device=shard.device).T.contiguous()
    size = len(dataloader.dataset)  # type: ignore[arg-type]
    _report(faults, size)
    return _in_order(_gather(shard), _gather(about), size)


def pooled(maps: Tensor | Sequence[Tensor]) -> Tensor:
    """Average the last output of a backbone over its positions, to vectors (n, d).

    Args:
        maps: feature maps (n, d, height, width), tokens (n, L, d), or vectors (n, d) that need no
            average, such as class tokens; of a sequence the last.
    """
    last = maps if isinstance(maps, Tensor) else maps[-1]
    if last.ndim == 3:
        return last.mean(1)
    return last.flatten(2).mean(2) if last.ndim > 2 else last


def extract_representation(model: Any, dataloader: DataLoader) -> tuple[Tensor, Tensor]:
    """Extract features of the backbone, as :func:`pooled` averages them, and the true classes.

    Args:
        model: model with ``backbone`` and ``data_preprocessor``, or a wrapper of it such as DDP.
        dataloader: as for :func:`extract`.

    Returns:
        Features (N, d) and classes (N,), the same on every rank.

    Raises:
        ValueError: if an image has no ``gt_label``.
    """
    model = unwrapped(model)
    features, classes = extract(model, lambda images: pooled(model.backbone(images)), dataloader)
    if classes is None:
        raise ValueError(
            f'{type(dataloader.dataset).__name__} has no gt_label for some image: use a data set '
            'with the classes of all images for kNN and linear evaluation'
        )
    return features, classes


def _report(faults: dict[str, str], size: int) -> None:
    found = {file: why for part in all_gather_object(faults) for file, why in part.items()}
    if found:
        file, reason = next(iter(found.items()))
        print_log(
            f'{len(found)} of {size} images cannot be read and have zero features, such as {file} '
            f'({reason})',
            logger='current',
            level=logging.WARNING,
        )


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
            '"sample_idx" in meta_keys of PackInputs, and use a single data set, not a '
            'concatenation'
        )
    ordered = features.new_empty(size, features.shape[1])
    ordered[indices] = features
    named = classes.new_empty(size)
    named[indices] = classes
    return Extracted(ordered, named if int(named.min()) >= 0 else None)
