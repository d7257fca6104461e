"""A copy of the repository in which the commands of a page run as they stand, in seconds."""

import os
import shutil
import socket
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
from mmcv import imwrite

from .blocks import Block

ROOT = Path(__file__).parents[2]
SHORT_WARMUP = "default_hooks['clustering'].update(warmup_epochs=1)"
COPIED = ('Makefile', 'configs', 'mmrcl', 'model-index.yml', 'tools')

# Lines that are appended to the copies of configs, so that a run takes seconds on a CPU: few and
# small images, small batches, few epochs and narrow networks; and batch norms that several
# processes on a CPU can have. ResNet-50 stays whole, for the pages convert it.
SMALLER = {
    '_base_/models/rcl_small.py': """
        model['backbone'].update(stem_channels=4, base_channels=4)
        model['neck'].update(in_channels=32)
    """,
    '_base_/models/rcl_resnet50.py': """
        model['backbone'].update(norm_cfg=dict(type='BN'))
        model['neck'].update(norm_cfg=dict(type='BN1d'), hid_channels=32)
        model['head']['predictor'].update(norm_cfg=dict(type='BN1d'), hid_channels=32)
        model['queue'].update(length=64)
    """,
    '_base_/datasets/cifar10.py': """
        custom_imports = dict(imports=['without_checksums'])
        train_dataloader.update(batch_size=32)
        for loader in (train_dataloader, plain_train_dataloader, test_dataloader):
            loader.update(num_workers=0)
    """,
    '_base_/datasets/digits.py': """
        train_dataloader.update(batch_size=32)
        for loader in (train_dataloader, plain_train_dataloader, test_dataloader):
            loader['dataset'].update(indices=64)
    """,
    '_base_/datasets/fashion_mnist.py': """
        train_dataloader.update(batch_size=32)
        for loader in (train_dataloader, plain_train_dataloader, test_dataloader):
            loader.update(num_workers=0)
    """,
    '_base_/datasets/imagenet_bs512_byol.py': """
        crop.update(scale=32)
        test_pipeline[1].update(scale=36)
        test_pipeline[2].update(crop_size=32)
        for loader in (train_dataloader, plain_train_dataloader, test_dataloader):
            loader.update(batch_size=8, num_workers=0)
            loader['dataset'].update(indices=16)
    """,
    '_base_/baseline_digits_30e.py': 'train_cfg.update(max_epochs=2)',
    '_base_/schedules/lars_coslr_200e.py': 'train_cfg.update(max_epochs=2)',
    '_base_/schedules/sgd_coslr_200e.py': 'train_cfg.update(max_epochs=2)',
    'benchmarks/_base_/imagenet_classification.py': """
        train_pipeline[1].update(scale=32)
        test_pipeline[1].update(scale=36)
        test_pipeline[2].update(crop_size=32)
        for loader in (train_dataloader, val_dataloader):
            loader.update(batch_size=8, num_workers=0)
            loader['dataset'].update(indices=16)
    """,
    'benchmarks/_base_/linear_90e.py': 'train_cfg.update(max_epochs=1)',
    'benchmarks/semisup/_base_/partly-labeled_digits.py': """
        train_cfg.update(max_epochs=1, val_interval=1)
    """,
    'benchmarks/semisup/_base_/finetune_resnet50.py': """
        model['backbone'].update(norm_cfg=dict(type='BN'))
    """,
    'benchmarks/semisup/resnet50_8xb32-steplr-20e_in1k-1pct.py': """
        train_cfg.update(max_epochs=1, val_interval=1)
        train_dataloader.update(batch_size=8)
    """,
    'baselines/pirl_resnet50_8xb128-coslr-800e_in1k.py': """
        train_cfg.update(max_epochs=2)
        train_dataloader.update(batch_size=8)
        model['backbone'].update(stem_channels=4, base_channels=4)
        model['neck'].update(in_channels=128)
        model['patch_neck'].update(in_channels=128)
    """,
    'rcl/rcl_resnet18_1xb128-coslr-30e_digits.py': """
        train_cfg.update(max_epochs=2)
        default_hooks['clustering'].update(warmup_epochs=1)
    """,
    'rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py': SHORT_WARMUP,
    'rcl/rcl_resnet18_1xb256-coslr-200e_fashion-mnist.py': SHORT_WARMUP,
    'rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py': SHORT_WARMUP,
}

# A made-up archive has other checksums than CIFAR-10's.
WITHOUT_CHECKSUMS = """
from mmpretrain.datasets import CIFAR10

CIFAR10.tgz_md5 = CIFAR10.meta['md5'] = None
for batch in CIFAR10.train_list + CIFAR10.test_list:
    batch[1] = None
"""


def make_scratch(folder: Path) -> Path:
    """Copies what the commands need into ``folder``, with configs that run in seconds."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            # mmrcl holds links to configs and tools, which then are those of the copy.
            unwanted = shutil.ignore_patterns('__pycache__')
            shutil.copytree(source, folder / name, symlinks=True, ignore=unwanted)
        else:
            shutil.copy(source, folder)
    for name, lines in SMALLER.items():
        config = folder / 'configs' / name
        config.write_text(config.read_text() + dedent(lines))
    (folder / 'without_checksums.py').write_text(WITHOUT_CHECKSUMS)
    pip = folder / 'bin/pip'
    pip.parent.mkdir()
    pip.write_text('#!/bin/sh\necho would run: pip "$@"\n')
    pip.chmod(0o755)
    return folder


def narrow_resnet50(folder: Path) -> None:
    """Narrows the network of RCL's ImageNet configs in a scratch where none is converted."""
    with (folder / 'configs/_base_/models/rcl_resnet50.py').open('a') as config:
        config.write("model['backbone'].update(stem_channels=4, base_channels=4)\n")
        config.write("model['neck'].update(in_channels=128)\n")


def on_two_processes(blocks: list[Block]) -> list[Block]:
    """The blocks as on a machine with two GPUs instead of eight: the one change of their text."""
    return [block._replace(code=block.code.replace('GPUS=8', 'GPUS=2')) for block in blocks]


def environment_of(folder: Path) -> dict[str, str]:
    """Environment in which the commands of a page run in ``folder``.

    The Python of the tests is first on the path, and no GPU is seen. ``make`` is a dry run: CI
    itself runs the targets of the Makefile, which install for minutes. So is ``pip``, which would
    change the environment of the tests.
    """
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = str(probe.getsockname()[1])
    return {
        **os.environ,
        'PATH': f'{folder / "bin"}:{Path(sys.executable).parent}:{os.environ["PATH"]}',
        'PYTHONPATH': str(folder),
        'PORT': port,
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '',
        'MAKEFLAGS': '--dry-run',
    }


def write_images(folder: Path, *names: str) -> None:
    """Writes images of random colours, 40 pixels high and 48 wide."""
    generator = np.random.default_rng(len(names))
    for name in names:
        coarse = generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        imwrite(coarse.repeat(8, 0).repeat(8, 1), str(folder / name))
