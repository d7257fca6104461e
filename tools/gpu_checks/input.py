"""Views on the device against the CPU, and whether the loader keeps up with the GPU."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from PIL import Image
from torch import Tensor

from mmrcl.engine import PretrainingRunner
from mmrcl.features import resumable
from mmrcl.registry import MODELS

from .environment import cores, processes
from .results import ONE_KIND, Check, Finding, Place
from .steps import RCL, Steps, random_batch, shipped

MOST_SHARE = 0.15
CLASSES = ('n00000000', 'n00000001')
DISTINCT = 64


def write_images(root: Path, number: int) -> None:
    """Write JPEG files of ImageNet's usual size, in folders of classes; few are distinct."""
    written: list[Path] = []
    generator = np.random.default_rng(0)
    for folder in CLASSES:
        (root / 'train' / folder).mkdir(parents=True)
    for image in range(number):
        path = root / 'train' / CLASSES[image % len(CLASSES)] / f'{image}.JPEG'
        if image >= DISTINCT:
            path.hardlink_to(written[image % DISTINCT])
            continue
        coarse = generator.integers(0, 256, (25, 33, 3), np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC))
        noisy = smooth + generator.normal(0, 12, smooth.shape)
        pixels = noisy.clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path, quality=90)
        written.append(path)


def loader_rate(config: Config, root: Path, batch: int, workers: int) -> float:
    """Return the images a second of the training loader, the first batches not counted."""
    init_default_scope('mmrcl')
    loader = resumable(config.train_dataloader)
    loader['dataset']['dataset'].update(data_root=str(root), classes=list(CLASSES))
    loader.update(batch_size=batch, num_workers=workers)
    built = PretrainingRunner.build_dataloader(loader, seed=0)
    stamps = [time.perf_counter() for _ in built]
    # Each worker begins a batch at the start.
    return batch * (len(stamps) - 1 - workers) / (stamps[-1] - stamps[workers])


def step_rate(place: Place) -> float:
    """Return the images a second of RCL's step as shipped, without its input."""
    batch = place.size(128, 8)
    steps = Steps(shipped(RCL, place.toy), place, batch, place.size(100_000, 600))
    times = measure.times_in_turn(dict(step=steps.step), place.size(10, 2), place.size(5, 1))
    return batch / statistics.median(times['step'])


def data_share(place: Place) -> Finding:
    """Compare the loader's images a second with the step's, for one of the machine's GPUs."""
    config = shipped(RCL)
    workers = place.size(
        max(1, min(config.train_dataloader.num_workers, cores() // processes())), 1
    )
    batch = place.size(32, 2)
    batches = place.size(8, 4) * workers
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), batch * batches)
        loaded = loader_rate(config, Path(folder), batch, workers)
    stepped = step_rate(place)
    # The loader works while the GPU does, so only what it lacks is waited for.
    share = max(0.0, 1 - loaded / stepped)
    figures = {
        'loader [images/s]': loaded,
        'workers': workers,
        'a worker [images/s]': loaded / workers,
        'step [images/s]': stepped,
        f'share of waiting (at most {MOST_SHARE:g})': share,
    }
    wanted = -(-stepped * workers // loaded)
    remedy = f'give each GPU {wanted:.0f} cores, and train_dataloader.num_workers={wanted:.0f}'
    return Finding(place.judge(share <= MOST_SHARE), figures, remedy)


def views(place: Place) -> Finding:
    """Compare what the preprocessor makes of the same images and random numbers."""
    config = shipped(RCL, toy=True)
    batch = random_batch(place, place.size(64, 8), 600, seed=0)
    made = [preprocessed(config, batch, device) for device in ('cpu', place.device)]
    off = torch.cat([(a - b).abs().flatten() for a, b in zip(*made, strict=True)])
    share = float((off > 0.05).float().mean())
    figures = {
        'mean difference [standard deviations]': float(off.mean()),
        'pixels that differ': share,
    }
    return Finding(share < 1e-3 and float(off.mean()) < 1e-2, figures, ONE_KIND)


def preprocessed(config: Any, batch: Callable[[], dict[str, Any]], device: str) -> list[Tensor]:
    init_default_scope('mmrcl')
    preprocessor = MODELS.build(config.data_preprocessor).to(device)
    return [view.float().cpu() for view in preprocessor(batch(), training=True)['inputs']]


CHECKS: dict[str, Check] = {
    'views': views,
    'data share': data_share,
}
