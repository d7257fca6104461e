"""Images in several kinds of storage, to be compared with the same images in a folder."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from mmrcl.datasets import ResumableSampler, SampleKey, SeededDataset

from .image_files import encoded

CROPS = [
    dict(type='RandomResizedCrops', views=[dict(scale=8), dict(scale=6)]),
    dict(type='PackInputs'),
]
WHOLE = [
    dict(type='LoadImageFromFile'),
    dict(type='RandomResizedCrop', scale=8),
    dict(type='PackInputs'),
]


def pictures(count: int, seed: int = 0) -> dict[str, bytes]:
    """Encoded noise by file name, sorted: opaque and transparent, of many sizes."""
    draw = np.random.default_rng(seed)
    found = {}
    for number in range(count):
        form, suffix, channels = [('JPEG', 'jpg', 3), ('PNG', 'png', 4)][number % 2]
        pixels = draw.integers(0, 256, (*draw.integers(9, 40, 2), channels), dtype=np.uint8)
        found[f'{number // 3}/{number:02}.{suffix}'] = encoded(pixels, form)
    return found


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def write_shard(path: Path, members: Sequence[tuple[str, bytes]], mode: str = 'w') -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))


def write_shards(folder: Path, files: Mapping[str, bytes], ends: Sequence[int]) -> None:
    """Split the files at ``ends``; a shard may be without a member."""
    members = list(files.items())
    bounds = [0, *sorted(ends), len(members)]
    for number, (start, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
        write_shard(folder / f'{number:03}.tar', members[start:end])


def check_same_samples(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Compare the samples of two data sets, whole images and crops, in two epochs."""
    for pipeline in (CROPS, WHOLE):
        # Serialising calls the garbage collector, which takes longer than all else here.
        settings = dict(pipeline=pipeline, serialize_data=False)
        one, other = (SeededDataset(dict(each, **settings)) for each in (first, second))
        assert len(one) == len(other)
        for image in range(len(one)):
            for epoch in (0, 3):
                key = SampleKey(5, epoch, image)
                check_same(one[key], other[key])


def check_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    views = [item['inputs'] for item in (one, other)]
    pairs = zip(*views, strict=True) if isinstance(views[0], list) else [views]
    assert all(torch.equal(*pair) for pair in pairs)
    about = [item['data_samples'] for item in (one, other)]
    assert about[0].sample_idx == about[1].sample_idx
    assert about[0].view_key == about[1].view_key
    assert about[0].ori_shape == about[1].ori_shape if 'ori_shape' in about[0] else True
    assert 'unreadable' not in about[0]
    assert 'unreadable' not in about[1]


def batches(described: dict[str, Any], context: str | None, workers: int) -> list[dict[str, Any]]:
    """An epoch of shuffled batches of 3."""
    data = SeededDataset(dict(described, pipeline=CROPS))
    sampler = ResumableSampler(dict(type='DefaultSampler', shuffle=True), data, seed=4)
    loader = DataLoader(
        data, 3, sampler=sampler, num_workers=workers, multiprocessing_context=context,
        collate_fn=pseudo_collate,
    )  # fmt: skip
    return list(loader)


def check_workers(described: dict[str, Any], context: str, workers: int = 1) -> None:
    """Compare the batches of worker processes with those of this one."""
    alone, shared = batches(described, None, 0), batches(described, context, workers)
    assert len(alone) == len(shared)
    for one, other in zip(alone, shared, strict=True):
        views = zip(one['inputs'], other['inputs'], strict=True)
        assert all(torch.equal(*pair) for each in views for pair in zip(*each, strict=True))
        assert [each.sample_idx for each in one['data_samples']] == [
            each.sample_idx for each in other['data_samples']
        ]
