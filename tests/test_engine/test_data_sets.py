"""Whole runs on other data sets than digits: a plain folder, and mmpretrain's own."""

import struct

import numpy as np
import pytest
from mmcv import imwrite
from mmengine.config import Config
from sklearn.datasets import load_digits

from mmrcl.launch import hooks_of

from ..runs import CONFIG, tiny_config, train

LOAD = dict(type='LoadImageFromFile', color_type='grayscale')


@pytest.mark.slow
def test_a_plain_folder_of_images(tmp_path):
    images = (load_digits().images[:96] * 15).astype(np.uint8)
    for i, image in enumerate(images):
        imwrite(image, str(tmp_path / f'images/{i % 3}/{i:03d}.png'))
    config = tiny_config(tmp_path / 'run', train_cfg__max_epochs=3)
    for dataset in (
        config.train_dataloader.dataset,
        config.default_hooks.clustering.dataloader.dataset,
    ):
        pipeline = [LOAD, *dataset.pipeline]
        dataset.clear()
        dataset.update(type='ImageFolder', data_root=str(tmp_path / 'images'), pipeline=pipeline)
    model = train(config).model
    assert model.hierarchy.initialized
    assert model.hierarchy.num_samples == 96
    assert set(model.queue.indices.tolist()) == set(range(96))


@pytest.mark.slow
def test_labels_by_position_need_a_single_data_set(tmp_path):
    config = tiny_config(tmp_path)
    for loader in (config.train_dataloader, config.default_hooks.clustering.dataloader):
        loader.dataset = dict(type='ConcatDataset', datasets=[loader.dataset] * 2)
    with pytest.raises(ValueError, match='the last of 384 training images has sample_idx=191'):
        train(config)


def write_idx(path, array) -> None:
    head = struct.pack(f'>HBB{array.ndim}I', 0, 8, array.ndim, *array.shape)
    path.write_bytes(head + array.tobytes())


@pytest.mark.slow
@pytest.mark.parametrize(
    'method', ['rcl/rcl', 'baselines/instance-discrimination', 'baselines/nnclr-positive']
)
def test_fashion_mnist_configs_run(tmp_path, method):
    generator = np.random.default_rng(0)
    for name, count in (('train', 96), ('t10k', 64)):
        images = generator.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(tmp_path / f'{name}-images-idx3-ubyte', images)
        write_idx(tmp_path / f'{name}-labels-idx1-ubyte', np.arange(count, dtype=np.uint8) % 10)
    folder = CONFIG.parents[1] / method
    path = folder.with_name(f'{folder.name}_resnet18_1xb256-coslr-200e_fashion-mnist.py')
    config = Config.fromfile(path)
    config.merge_from_dict(
        {
            'model.backbone.stem_channels': 4,
            'model.backbone.base_channels': 4,
            'model.neck.in_channels': 32,
            'model.queue.length': 128,
            'train_dataloader.batch_size': 32,
            'train_cfg.max_epochs': 2,
            'work_dir': str(tmp_path / 'run'),
            'launcher': 'none',
            'experiment_name': f'fashion_{folder.name}',
        }
    )
    loaders = [config.train_dataloader, config.test_dataloader]
    for hook in hooks_of(config):
        loaders += [hook[key] for key in hook if key.endswith('dataloader')]
        if 'warmup_epochs' in hook:
            hook.warmup_epochs = 1
    for loader in loaders:
        loader.num_workers = 0
        loader.dataset.update(data_root=str(tmp_path), download=False)
    runner = train(config)
    assert 'knn/top1' in next((tmp_path / 'run').rglob('scalars.json')).read_text()
    assert len(runner.train_dataloader.dataset) == 96
    assert len(runner.build_dataloader(config.test_dataloader).dataset) == 64
    if runner.model.hierarchy is not None:
        assert runner.model.hierarchy.initialized
