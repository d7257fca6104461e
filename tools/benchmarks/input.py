"""Measure the input of a training: images a second and core, the border of epochs, data's share.

`pipelines`: two views of generated JPEG photos, in time of one core. `all in workers` is BYOL's
augmentation by mmpretrain's transforms on Pillow, `decoding alone` OpenCV's, `crops in workers`
the pipeline of the ImageNet configs, whose other transforms run on the training device.

`border`: seconds that a step waits for the first batch of an epoch, with workers that take 50 ms an
image: `each epoch` starts loading anew, `whole training` is as ResumableTrainLoop loads.

`share`: the part of a step of a config that the loop waits for data, mmengine's data_time / time.

    python tools/benchmarks/input.py pipelines --out work_dirs/benchmarks/input_pipelines.csv
    python tools/benchmarks/input.py border --out work_dirs/benchmarks/input_border.csv
    python tools/benchmarks/input.py share CONFIG --out work_dirs/benchmarks/input_share.csv
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import cv2
import numpy as np
import torch
from measure import Row, machine, show, spread
from mmengine.dataset import default_collate
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from mmrcl.datasets import EpochsBatchSampler, ResumableSampler, SampleKey, SeededDataset
from mmrcl.launch import build_runner, read_config

IMAGENET = Path(__file__).parents[2] / 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py'
SIZES = ((500, 375), (2048, 1536))
PHOTOS = 16


# --- pipelines


def photo(width: int, height: int, rng: np.random.Generator) -> Image.Image:
    """Draw a picture with the spectrum of natural ones, 1 / f in each channel."""
    vertical, horizontal = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)
    amplitude = 1 / np.maximum(np.hypot(vertical, horizontal), 1 / max(width, height))
    noise = rng.standard_normal((4, height, width))
    shared, *own = np.fft.ifft2(amplitude * np.fft.fft2(noise)).real
    planes = np.stack([shared / shared.std() + 0.4 * each / each.std() for each in own], 2)
    pixels = 128 + 50 * planes / planes.std()
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_photos(folder: Path, width: int, height: int, count: int = PHOTOS) -> None:
    rng = np.random.default_rng(0)
    for number in range(count):
        photo(width, height, rng).save(folder / f'{number:03}.jpg', quality=92)


def all_in_workers() -> list[dict]:
    """BYOL's two views by mmpretrain's transforms."""
    crop = dict(type='RandomResizedCrop', scale=224, interpolation='bicubic', backend='pillow')
    jitter = dict(
        type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1, backend='pillow'
    )
    blur = dict(type='GaussianBlur', magnitude_range=(0.1, 2.0), magnitude_std='inf')
    shared = [
        crop,
        dict(type='RandomFlip', prob=0.5),
        dict(type='RandomApply', transforms=[jitter], prob=0.8),
        dict(type='RandomGrayscale', prob=0.2, keep_channels=True),
    ]
    second = [dict(**blur, prob=0.1), dict(type='Solarize', thr=128, prob=0.2)]
    views = [[*shared, dict(**blur, prob=1.0)], [*shared, *second]]
    return [
        dict(type='LoadImageFromFile', imdecode_backend='pillow'),
        dict(type='MultiView', num_views=[1, 1], transforms=views),
        dict(type='PackInputs'),
    ]


def loading_jobs(folder: Path) -> dict[str, Callable[[], object]]:
    """Return functions that load all photos, in each way."""
    contents = [np.fromfile(path, np.uint8) for path in sorted(folder.iterdir())]
    pipelines = {
        'all in workers': all_in_workers(),
        'crops in workers': read_config(str(IMAGENET)).train_dataloader.dataset.pipeline,
    }
    old, new = (
        SeededDataset(dict(type='ImageFolder', data_root=str(folder), pipeline=pipeline))
        for pipeline in pipelines.values()
    )
    keys = [SampleKey(0, 0, number) for number in range(PHOTOS)]
    return {
        'all in workers': lambda: old.__getitems__(keys),
        'decoding alone': lambda: [cv2.imdecode(each, cv2.IMREAD_COLOR) for each in contents],
        'crops in workers': lambda: new.__getitems__(keys),
    }


def rates_in_turn(jobs: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Measure photos a second of one core, for the jobs in turn."""
    rates: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(1 + repeats):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            if turn:
                rates[name].append(PHOTOS / (time.process_time() - start))
    return rates


def pipelines(args: argparse.Namespace) -> Iterator[Row]:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    for width, height in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            write_photos(Path(folder), width, height)
            rates = rates_in_turn(loading_jobs(Path(folder)), args.repeats)
        for name, found in rates.items():
            ratios = [a / b for a, b in zip(found, rates['all in workers'], strict=True)]
            yield {
                'photos': f'{width} x {height}',
                'pipeline': name,
                'images/s and core': spread(found),
                'ratio': spread(ratios),
            }


# --- the border of epochs


class Slow(Dataset):
    """Numbers that take 50 ms each."""

    def __len__(self) -> int:
        return 128

    def __getitem__(self, key: SampleKey) -> int:
        time.sleep(0.05)
        return key.image


def waits(batches: Iterator, length: int, seconds: float) -> list[float]:
    """Measure how long each batch is waited for, by steps of some seconds."""
    found = []
    for _ in range(length):
        start = time.perf_counter()
        next(batches)
        found.append(time.perf_counter() - start)
        time.sleep(seconds)
    return found


def epoch_by_epoch(loader: DataLoader, epochs: int) -> Iterator:
    for epoch in range(epochs):
        loader.sampler.start_at(0, epoch, 0)
        yield from loader


def border(args: argparse.Namespace) -> Iterator[Row]:
    """Yield a row for each way; a step takes as long as two workers need for a batch."""
    data, size, workers, epochs = Slow(), 16, 2, 1 + args.repeats
    sampler = ResumableSampler(dict(type='DefaultSampler', shuffle=True), data, seed=0)
    shared = dict(num_workers=workers, collate_fn=default_collate)
    single = DataLoader(data, size, sampler=sampler, persistent_workers=True, **shared)
    batches = EpochsBatchSampler(sampler, size, epochs)
    batches.start_at(0, epoch=0, batch=0)
    endless = DataLoader(data, batch_sampler=batches, **shared)
    ways = {'each epoch': epoch_by_epoch(single, epochs), 'whole training': iter(endless)}
    for name, loaded in ways.items():
        found = [waits(loaded, len(endless), 0.05 * size / workers) for _ in range(epochs)][1:]
        yield {
            'loading of': name,
            'wait for the first batch [s]': spread(wait[0] for wait in found),
            'for the others [s]': spread(each for wait in found for each in wait[1:]),
        }


# --- data's share of a step


class Times(Hook):
    """data_time and time of each iteration, and an end after enough of them."""

    priority = 'LOWEST'

    def __init__(self, count: int) -> None:
        self.count = count
        self.rows: list[tuple[float, float]] = []

    def after_train_iter(self, runner, *_, **__) -> None:
        hub = runner.message_hub
        names = ('train/data_time', 'train/time')
        self.rows.append(tuple(hub.get_scalar(name).current() for name in names))
        if len(self.rows) > self.count:
            raise KeyboardInterrupt


def share(args: argparse.Namespace) -> Iterator[Row]:
    config = read_config(args.config)
    config.work_dir = tempfile.mkdtemp()
    config.launcher, config.log_level = 'none', 'ERROR'
    times = Times(args.repeats)
    runner = build_runner(config, train=True)
    runner.register_hook(times)
    size = runner.train_dataloader.batch_sampler.batch_size
    with suppress(KeyboardInterrupt):
        runner.train()
    rows = times.rows[1:]
    yield {
        'config': Path(args.config).stem,
        'data_time [ms]': spread((data for data, _ in rows), 1e3),
        'time [ms]': spread((whole for _, whole in rows), 1e3),
        'share of data': spread(data / whole for data, whole in rows),
        'images/s': spread(size / whole for _, whole in rows),
    }


PARTS = dict(pipelines=pipelines, border=border, share=share)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('part', choices=PARTS)
    parser.add_argument('config', nargs='?', help='of `share`')
    parser.add_argument('--repeats', type=int, default=5, help='rounds, epochs or steps')
    parser.add_argument('--out', type=Path, help='CSV file to write')
    args = parser.parse_args()
    if (args.part == 'share') != (args.config is not None):
        parser.error('`share` takes a config, the other parts none')
    return args


def main() -> None:
    args = parse_args()
    print(f'{machine()}\nmedian (minimum-maximum) of {args.repeats}\n')
    with DefaultScope.overwrite_default_scope('mmrcl'):
        show(list(PARTS[args.part](args)), args.out)


if __name__ == '__main__':
    main()
