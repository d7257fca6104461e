"""Peak memory of a step by batch and precision, and whether the shipped batch fits."""

from collections.abc import Callable, Mapping

import torch

from .results import IMAGENET, Check, Finding, Place, out_of_memory
from .steps import RCL, Steps, accumulated, in_precision, shipped

BATCHES = (64, 128, 256, 512)


def peak_gib(place: Place, precision: str | None, batch: int) -> float | None:
    """Return the peak memory of two steps in GiB, or None if they do not fit.

    Args:
        place: device and size.
        precision: of the step; None for that of the config.
        batch: images a step.
    """

    def job() -> float:
        torch.cuda.reset_peak_memory_stats()
        config = shipped(RCL, place.toy)
        if precision is not None:
            in_precision(config, precision)
        Steps(config, place, batch, place.size(IMAGENET, 600)).losses(2)
        return torch.cuda.max_memory_allocated() / 2**30

    return out_of_memory(job)


def peaks(measured: Callable[[int], float | None]) -> dict[int, float | None]:
    """Measure batches up to the first that does not fit."""
    found: dict[int, float | None] = {}
    for batch in BATCHES:
        found[batch] = measured(batch)
        if found[batch] is None:
            break
    return found


def largest(found: Mapping[int, float | None]) -> int:
    """Return the largest batch that fits, or 0."""
    return max((batch for batch, peak in found.items() if peak is not None), default=0)


def by_batch(place: Place) -> Finding:
    place.need_gpu('peak memory of a GPU')
    figures: dict[str, object] = {}
    fits = {}
    for precision in ('float32', 'bfloat16'):
        found = peaks(lambda batch, precision=precision: peak_gib(place, precision, batch))
        fits[precision] = largest(found)
        figures[f'{precision} [GiB]'] = {
            f'batch {batch}': 'does not fit' if peak is None else peak
            for batch, peak in found.items()
        }
    figures['largest batch that fits'] = fits
    return Finding(min(fits.values()) > 0, figures, 'use a GPU with more memory')


def as_shipped(place: Place) -> Finding:
    """Take steps of the ImageNet config with the batch, precision and accumulation it has."""
    place.need_gpu('peak memory of a GPU')
    config = shipped(RCL)
    batch, counts = config.train_dataloader.batch_size, accumulated(config)
    peak = peak_gib(place, None, batch)
    total = torch.cuda.get_device_properties(0).total_memory / 2**30
    figures = {
        'batch': batch,
        'peak [GiB]': 'does not fit' if peak is None else peak,
        'of [GiB]': total,
    }
    remedy = (
        f'--cfg-options train_dataloader.batch_size={batch // 2} '
        f'optim_wrapper.accumulative_counts={2 * counts} keeps the global batch; halve again if '
        'need be, or add --amp bfloat16'
    )
    return Finding(peak is not None, figures, remedy)


CHECKS: dict[str, Check] = {
    'memory of the ImageNet config': as_shipped,
    'memory by batch': by_batch,
}
