import io

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from PIL import Image
from torch.utils.data import DataLoader

from mmrcl.datasets import ResumableSampler, SampleKey, SeededDataset, seed_all
from mmrcl.errors import TrainingError
from mmrcl.registry import DATASETS

VIEWS = [
    dict(
        type='MultiView',
        num_views=[2],
        transforms=[
            [
                dict(type='RandomResizedCrop', scale=8, crop_ratio_range=(0.3, 1.0)),
                dict(type='RandomApply', prob=0.5, transforms=[dict(type='RandomFlip', prob=0.5)]),
                dict(type='ColorJitter', brightness=0.4, contrast=0.4),
            ]
        ],
    ),
    dict(type='PackInputs'),
]


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmrcl'):
        yield


def photos(folder, count: int) -> list:
    """Files of noise, as JPEG."""
    paths = [folder / f'{i:02}.jpg' for i in range(count)]
    for i, path in enumerate(paths):
        pixels = torch.randint(0, 256, (24, 24, 3), generator=torch.Generator().manual_seed(i))
        Image.fromarray(pixels.byte().numpy()).save(path)
    return paths


def of_folder(folder, backend: str = 'pillow') -> SeededDataset:
    load = dict(type='LoadImageFromFile', imdecode_backend=backend)
    return SeededDataset(dict(type='ImageFolder', data_root=str(folder), pipeline=[load, *VIEWS]))


def equal(first: dict, second: dict) -> bool:
    return all(map(torch.equal, first['inputs'], second['inputs']))


def test_views_follow_from_seed_epoch_and_image(tmp_path):
    photos(tmp_path, 4)
    data = of_folder(tmp_path)
    key = SampleKey(seed=0, epoch=2, image=3)
    first = data[key]
    torch.rand(5)
    assert equal(first, data[key])
    assert not equal(first, data[key._replace(epoch=1)])
    assert not equal(first, data[key._replace(seed=1)])
    assert first['data_samples'].sample_idx == 3
    assert 'unreadable' not in first['data_samples']


def test_a_batch_is_what_its_images_are_one_by_one(tmp_path):
    photos(tmp_path, 4)
    data = of_folder(tmp_path)
    keys = [SampleKey(0, 2, image) for image in (3, 0, 3)]
    seed_all(5)
    drawn = torch.rand(3)
    seed_all(5)
    batch = data.__getitems__(keys)
    assert torch.equal(torch.rand(3), drawn)
    for key, item in zip(keys, batch, strict=True):
        assert equal(item, data[key])
        assert item['data_samples'].view_key == key


class NoteKey:
    """A transform that draws from no global generator."""

    def __call__(self, results):
        return dict(inputs=torch.zeros(1), data_samples=DataSample(), view_key=results['view_key'])


@pytest.mark.parametrize('wrapper', ['RepeatDataset', 'ConcatDataset', None])
def test_transforms_find_the_key_of_the_image_that_was_read(tmp_path, wrapper):
    paths = photos(tmp_path, 4)
    described = dict(
        type='ImageFolder',
        data_root=str(tmp_path),
        pipeline=[dict(type='LoadImageFromFile'), NoteKey()],
    )
    if wrapper == 'RepeatDataset':
        described = dict(type=wrapper, dataset=described, times=2)
    if wrapper == 'ConcatDataset':
        described = dict(type=wrapper, datasets=[described] * 2)
    data = SeededDataset(described)
    paths[1].write_bytes(b'')
    for image in range(len(data)):
        item = data[SampleKey(7, 5, image)]
        sample = item['data_samples']
        assert item['view_key'] == sample.view_key
        assert sample.view_key[:2] == (7, 5)
        assert (sample.view_key[2] == image) == ('unreadable' not in sample) == (image % 4 != 1)
        assert sample.view_key[2] % 4 != 1


@pytest.mark.parametrize('workers', [0, 2])
def test_loaders_give_the_same_whatever_their_workers_and_start(tmp_path, workers):
    photos(tmp_path, 11)
    data = of_folder(tmp_path)
    sampler = ResumableSampler(dict(type='DefaultSampler', shuffle=True), data, seed=4)
    loader = DataLoader(
        data, 3, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate,
        persistent_workers=workers > 0,
    )  # fmt: skip
    for epoch in range(3):
        order = list(torch.randperm(11, generator=torch.Generator().manual_seed(4 + epoch)))
        for start in (0, 2, 4):
            sampler.start_at(4, epoch, 3 * start)
            batches = list(loader)
            assert len(batches) == 4 - start
            assert len(loader) == 4
            found = [sample for batch in batches for sample in batch['data_samples']]
            assert [sample.sample_idx for sample in found] == order[3 * start :]
            for view in (0, 1):
                images = [image for batch in batches for image in batch['inputs'][view]]
                for sample, image in zip(found, images, strict=True):
                    alone = data[SampleKey(4, epoch, sample.sample_idx)]['inputs'][view]
                    assert torch.equal(image, alone)


def test_an_epoch_can_end_with_whole_steps():
    sampler = ResumableSampler(dict(type='DefaultSampler'), range(22), seed=0, multiple=8)
    assert len(sampler) == len(list(sampler)) == 16
    sampler.start_at(0, 1, 16)
    assert list(sampler) == []


def test_an_order_that_cannot_be_repeated_is_refused():
    class Unordered:
        def __init__(self, dataset, seed):
            pass

    with pytest.raises(ValueError, match='Unordered cannot be repeated'):
        ResumableSampler(dict(type=Unordered), range(5), seed=0)


def truncated(path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ('spoil', 'backend', 'reason'),
    [
        (truncated, 'pillow', 'truncated'),
        (lambda path: path.write_bytes(b'no image'), 'pillow', 'UnidentifiedImageError'),
        (lambda path: path.write_bytes(b'no image'), 'cv2', 'UnidentifiedImageError'),
        (lambda path: path.write_bytes(b''), 'cv2', 'UnidentifiedImageError'),
        (lambda path: path.unlink(), 'cv2', 'FileNotFoundError'),
    ],
    ids=['truncated', 'text', 'text, by OpenCV', 'empty', 'missing'],
)
def test_an_unreadable_image_is_replaced_and_named(tmp_path, spoil, backend, reason):
    paths = photos(tmp_path, 6)
    data = of_folder(tmp_path, backend)
    spoil(paths[2])
    found = data[SampleKey(0, 0, 2)]
    sample = found['data_samples']
    assert sample.sample_idx != 2
    [(image, file, why)] = sample.unreadable
    assert (image, file) == (2, str(paths[2]))
    assert reason in why
    assert equal(found, data[SampleKey(0, 0, 2)])
    # The stand-in has views of its own, not those it has under its own name.
    assert not equal(found, data[SampleKey(0, 0, sample.sample_idx)])


def test_a_stand_in_that_cannot_be_read_is_replaced_too(tmp_path):
    paths = photos(tmp_path, 6)
    data = of_folder(tmp_path)
    for path in paths[:3]:
        truncated(path)
    tries = set()
    for epoch in range(8):
        sample = data[SampleKey(0, epoch, 1)]['data_samples']
        assert sample.sample_idx >= 3
        tries.add(len(sample.unreadable))
        assert [found[1] for found in sample.unreadable] == [
            str(paths[found[0]]) for found in sample.unreadable
        ]
    assert max(tries) > 1


def test_nothing_but_unreadable_images_is_an_error(tmp_path):
    paths = photos(tmp_path, 3)
    data = of_folder(tmp_path)
    for path in paths:
        path.write_bytes(b'')
    with pytest.raises(TrainingError, match='10 images in a row cannot be read'):
        data[SampleKey(0, 0, 0)]


def test_a_mistake_in_the_pipeline_is_no_unreadable_image(monkeypatch):
    data = SeededDataset(dict(type='Digits'))
    monkeypatch.setattr(data.dataset, 'pipeline', lambda info: info['no such key'])
    with pytest.raises(KeyError, match='no such key'):
        data[SampleKey(0, 0, 0)]


def test_it_passes_on_what_others_ask_of_a_data_set():
    data = DATASETS.build(dict(type='SeededDataset', dataset=dict(type='Digits')))
    assert len(data) == 1442
    assert data.metainfo['classes'] == tuple('0123456789')


def test_bytes_that_end_early_are_what_the_truncated_case_means(tmp_path):
    [path] = photos(tmp_path, 1)
    truncated(path)
    with pytest.raises(OSError, match='truncated'):
        Image.open(io.BytesIO(path.read_bytes())).load()
