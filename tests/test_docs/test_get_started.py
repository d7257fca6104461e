"""Every command of the page for newcomers runs, on made-up data in the layout that it describes."""

import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from ..test_launch.test_dataset_files import CLASSES
from .blocks import by_section, read_blocks, run
from .scratch import environment_of, make_scratch, on_two_processes, write_images

SECTIONS = by_section(on_two_processes(read_blocks('get_started.md')))
# What each section prints, among others.
PRINTED = {
    'Two commands': ['tools/demo.py --work-dir work_dirs/demo', '-m pytest'],
    'Install': ['tools/install.sh light', 'would run: pip install --no-deps -e .'],
    'CIFAR-10': ['resumed epoch: 2', 'monitoring.png', 'linear 100 %', 'scores.csv'],
    'ImageNet': ['12,811 images', 'accuracy/top1', 'rcl_torchvision-'],
}
# What the published list of 1 % holds.
LISTED = 12811


def write_cifar10(folder: Path) -> None:
    """The archive of CIFAR-10, with 100 training and 40 test images."""
    batches = {f'data_batch_{number}': 20 for number in range(1, 6)} | {'test_batch': 40}
    generator = np.random.default_rng(0)
    inside = folder / 'cifar-10-batches-py'
    inside.mkdir(parents=True)
    for name, count in batches.items():
        images = generator.integers(0, 256, (count, 3 * 32 * 32), dtype=np.uint8)
        batch = dict(data=images, labels=[number % 10 for number in range(count)])
        (inside / name).write_bytes(pickle.dumps(batch))
    names = dict(label_names=[f'class {number}' for number in range(10)])
    (inside / 'batches.meta').write_bytes(pickle.dumps(names))
    with tarfile.open(folder / 'cifar-10-python.tar.gz', 'w:gz') as archive:
        for file in inside.iterdir():
            archive.add(file, f'{inside.name}/{file.name}')
            file.unlink()
    inside.rmdir()


def write_imagenet(folder: Path, listed: Path) -> None:
    """1,000 classes of 13 training images, one image under all names, and 1 validation image."""
    write_images(folder, 'one.JPEG')
    for name in CLASSES:
        for split, count in (('train', 13), ('val', 1)):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                os.link(folder / 'one.JPEG', folder / split / name / f'{name}_{number}.JPEG')
    names = [f'{name}_{number}.JPEG' for name in CLASSES for number in range(13)]
    listed.write_text('\n'.join(names[:LISTED]))


@pytest.fixture(scope='module')
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_scratch(tmp_path_factory.mktemp('get_started'))
    write_cifar10(folder / 'data/cifar10')
    write_imagenet(folder / 'data/imagenet', folder / '1percent.txt')
    # The environment of the tests is active already.
    activate = folder / '.venv/bin/activate'
    activate.parent.mkdir(parents=True)
    activate.touch()
    return folder


# A minute each.
AT_NIGHT = ('CIFAR-10', 'ImageNet')


@pytest.mark.slow
@pytest.mark.parametrize(
    'section',
    [pytest.param(name, marks=[pytest.mark.nightly] * (name in AT_NIGHT)) for name in SECTIONS],
)
def test_commands_run(section: str, scratch: Path):
    said = run(SECTIONS[section], scratch, environment_of(scratch))
    assert all(text in said for text in PRINTED[section])


def test_every_section_is_checked():
    assert list(SECTIONS) == list(PRINTED)
