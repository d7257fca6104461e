"""Loaders that start at any position, replace unreadable images and name images of another size."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mmrcl.errors import TrainingError
from mmrcl.registry import FUNCTIONS


def resumable(dataloader: dict, multiple: int = 1) -> dict:
    """Convert the config of a loader so that samples depend only on seed, epoch and image.

    Args:
        dataloader: config of a loader, with ``sampler`` and ``dataset``.
        multiple: see :class:`mmrcl.datasets.ResumableSampler`.
    """
    sampler = dict(type='ResumableSampler', sampler=dataloader['sampler'], multiple=multiple)
    dataset = dict(type='SeededDataset', dataset=dataloader['dataset'])
    return dict(naming_sizes(dataloader), sampler=sampler, dataset=dataset)


def naming_sizes(dataloader: dict) -> dict:
    """Convert the config of a loader so that it names the file where image sizes differ."""
    collate_fn = dataloader.get('collate_fn', dict(type='pseudo_collate'))
    return dict(dataloader, collate_fn=dict(type='mmrcl.named_collate', collate_fn=collate_fn))


@FUNCTIONS.register_module()
def named_collate(samples: Sequence[dict], collate_fn: dict | Callable[..., Any]) -> Any:
    """Collate samples, and name a file if their images differ in size.

    Args:
        samples: items of a data set, with ``inputs`` and ``data_samples``.
        collate_fn: config of the collate function, or the function.

    Raises:
        TrainingError: if the images differ in size and the function refuses them.
    """
    try:
        return _built(collate_fn)(samples)
    except RuntimeError as error:
        shapes = [_shapes(sample) for sample in samples]
        odd = [number for number, shape in enumerate(shapes) if shape != shapes[0]]
        if not odd:
            raise
        raise TrainingError(
            f'images of a batch differ in size: {_file(samples[0])} has the shape {shapes[0]}, '
            f'{_file(samples[odd[0]])} {shapes[odd[0]]}: bring all to one size by Resize and '
            "CenterCrop, or RandomResizedCrop, in the dataloader's pipeline"
        ) from error


def _built(collate_fn: dict | Callable[..., Any]) -> Callable[..., Any]:
    if callable(collate_fn):
        return collate_fn
    settings = dict(collate_fn)
    kind = settings.pop('type')
    return partial(FUNCTIONS.get(kind) if isinstance(kind, str) else kind, **settings)


def _shapes(sample: dict) -> Any:
    inputs = sample['inputs']
    if isinstance(inputs, (list, tuple)):
        return [tuple(view.shape) for view in inputs]
    return tuple(inputs.shape)


def _file(sample: dict) -> str:
    about = sample['data_samples']
    return str(about.get('img_path', f'image {about.get("sample_idx")}'))
