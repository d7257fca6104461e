"""What a loader raises becomes one line, with and without workers."""

import logging
import os
import signal

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

import mmrcl
from mmrcl.apis import Encoder
from mmrcl.errors import TrainingError
from mmrcl.features import extract, naming_sizes, resumable
from mmrcl.launch import loading_errors

SIZES = ((8, 8), (8, 8), (8, 9), (8, 8))


@pytest.fixture
def photos(tmp_path):
    for number, size in enumerate(SIZES):
        Image.new('L', size).save(tmp_path / f'{number}.png')
    return tmp_path


def loader_of(folder, workers: int = 0, collate: str = 'default_collate') -> dict:
    steps = [dict(type='LoadImageFromFile', color_type='grayscale'), dict(type='PackInputs')]
    return dict(
        batch_size=4,
        num_workers=workers,
        dataset=dict(type='ImageFolder', data_root=str(folder), pipeline=steps),
        sampler=dict(type='DefaultSampler', shuffle=False),
        collate_fn=dict(type=collate),
    )


def ends_with(dataloader: dict) -> str:
    """The line that reading a whole epoch ends with."""
    with DefaultScope.overwrite_default_scope('mmrcl'):
        built = Runner.build_dataloader(dataloader, seed=0)
    with pytest.raises(TrainingError) as ended, loading_errors():
        list(built)
    assert '\n' not in str(ended.value)
    return str(ended.value)


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize('convert', [naming_sizes, resumable])
def test_a_file_of_another_size_is_named(photos, convert, workers):
    said = ends_with(convert(loader_of(photos, workers)))
    assert said.startswith('images of a batch differ in size: ')
    assert f'{photos}/0.png has the shape' in said and f'{photos}/2.png (' in said
    assert 'Resize and CenterCrop' in said


def test_a_plain_loader_names_the_shapes(photos):
    said = ends_with(loader_of(photos, 1))
    assert said.startswith('images of a batch have shapes [1, ')
    assert 'Resize and CenterCrop' in said


def test_what_a_collate_function_accepts_passes(photos):
    with DefaultScope.overwrite_default_scope('mmrcl'):
        loader = Runner.build_dataloader(naming_sizes(loader_of(photos, collate='pseudo_collate')))
        [batch] = list(loader)
    assert {image.shape[-2] for image in batch['inputs']} == {8, 9}
    assert len(batch['data_samples']) == 4


@pytest.mark.parametrize('workers', [0, 1])
def test_all_files_gone(photos, workers):
    dataloader = resumable(loader_of(photos, workers))
    with DefaultScope.overwrite_default_scope('mmrcl'):
        built = Runner.build_dataloader(dataloader, seed=0)
    for file in photos.iterdir():
        file.unlink()
    with pytest.raises(TrainingError) as ended, loading_errors():
        list(built)
    said = str(ended.value)
    assert said.startswith('10 images in a row cannot be read, the last is ')
    assert said.endswith('check that data_root is complete and its files are images')


@pytest.mark.parametrize('workers', [0, 1])
def test_a_file_that_cannot_be_read_where_none_replaces_it(photos, workers):
    (photos / '1.png').write_bytes(b'no image')
    said = ends_with(loader_of(photos, workers))
    assert said.startswith(f'an image cannot be read: {photos}/1.png (UnidentifiedImageError')


class Killed(Dataset):
    """Images whose reading ends the process that reads."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def test_a_killed_worker():
    with (
        pytest.raises(TrainingError, match='that reads images has died') as ended,
        loading_errors(),
    ):
        list(DataLoader(Killed(), num_workers=1))
    assert '\n' not in str(ended.value)
    assert '/dev/shm' in str(ended.value) and 'num_workers' in str(ended.value)


def kill(path: str) -> torch.Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_killed_worker_of_extract_features(photos):
    encoder = Encoder(nn.Flatten(), kill)
    with pytest.raises(TrainingError, match='has died'):
        mmrcl.extract_features(encoder, photos, num_workers=1)


@pytest.mark.parametrize('error', [RuntimeError('CUDA error'), KeyError('a'), OSError('disk')])
def test_other_errors_pass_unchanged(error):
    with pytest.raises(type(error)) as found, loading_errors():
        raise error
    assert found.value is error


class Said(logging.Handler):
    """Lines that a logger was given."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def test_unreadable_images_of_an_extraction_are_reported(photos):
    (photos / '1.png').write_bytes(b'no image')
    (photos / '2.png').write_bytes((photos / '0.png').read_bytes())
    said, logger = Said(), MMLogger.get_current_instance()
    logger.addHandler(said)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        loader = Runner.build_dataloader(resumable(loader_of(photos)), seed=0)
        model = nn.Module()
        model.data_preprocessor = lambda batch, training: batch
        found = extract(model, lambda images: images.flatten(1) + 1, loader)
    logger.removeHandler(said)
    assert found.features.any(1).tolist() == [True, False, True, True]
    [line] = [line for line in said.lines if 'cannot be read' in line]
    assert line.startswith(
        f'1 of 4 images cannot be read and have zero features, such as {photos}/1.png (Unident'
    )
