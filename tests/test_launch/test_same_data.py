"""Runs on a folder of one's own with a config whose base reads other images."""

import warnings
from pathlib import Path

import pytest
from mmengine.config import Config

from mmrcl.errors import ConfigError
from mmrcl.launch import plain_loader, plain_pipeline, prepare_test, prepare_training
from mmrcl.launch.same_data import check_clustered, check_scored, other_images_of_hooks

CONFIGS = Path(__file__).parents[2] / 'configs'
CIFAR10 = CONFIGS / 'rcl/rcl_resnet18_1xb256-coslr-200e_cifar10.py'
OWN = dict(type='ImageFolder', data_root='data/photos')
LOAD = dict(type='LoadImageFromFile')


@pytest.fixture
def config() -> Config:
    """The training images replaced, as far as users have to, and nothing else."""
    config = Config.fromfile(CIFAR10)
    config.train_dataloader.dataset = dict(OWN, pipeline=[])
    config.default_hooks.clustering.dataloader.dataset = dict(OWN, pipeline=[LOAD])
    return config


@pytest.mark.parametrize('path', sorted(CONFIGS.glob('*/*.py')), ids=lambda path: path.stem)
def test_shipped_configs_read_one_collection(path):
    config = Config.fromfile(path)
    if 'train_dataloader' in config:
        check_clustered(config)
        assert list(other_images_of_hooks(config)) == []
        if 'test_cfg' in config:
            check_scored(config)
            assert plain_pipeline(config) == config.test_dataloader.dataset.pipeline


def test_a_test_on_the_images_of_the_base_stops_before_a_download(config):
    says = (
        'test_dataloader reads CIFAR10 in data/cifar10/, but train_dataloader reads ImageFolder in '
        'data/photos/: set test_dataloader and test_cfg.train_dataloader to labelled images'
    )
    with pytest.raises(ConfigError, match=says):
        prepare_test(config, 'epoch_1.pth')
    config.test_dataloader.dataset = dict(type='CustomDataset', data_root='data/labelled/test')
    with pytest.raises(ConfigError, match='test_cfg.train_dataloader reads CIFAR10'):
        prepare_test(config, 'epoch_1.pth')
    with pytest.raises(ConfigError, match='data/labelled/test'):  # missing, as is epoch_1.pth
        prepare_test(config, 'epoch_1.pth', transfer=True)


@pytest.mark.parametrize('kind', ['TarShards', 'HuggingFaceDataset'])
def test_own_images_in_shards_and_tables_pass(config, kind):
    own = dict(type=kind, data_root='data/labelled')
    config.test_dataloader.dataset = config.test_cfg.train_dataloader.dataset = own
    check_scored(config)
    config.train_dataloader.dataset = dict(own, data_root='data/shards', pipeline=[])
    config.default_hooks.clustering.dataloader.dataset = dict(own, pipeline=[LOAD])
    with pytest.raises(ConfigError, match='data_root=data/labelled.*data_root=data/shards'):
        check_clustered(config)


def test_own_labelled_images_and_folders_of_one_collection_pass(config):
    labelled = dict(type='CustomDataset', data_root='data/labelled')
    config.test_dataloader.dataset = config.test_cfg.train_dataloader.dataset = labelled
    check_scored(config)
    config.train_dataloader.dataset.data_root = 'data/imagenet/train'
    imagenet = dict(type='ImageNet', data_root='data/imagenet', split='val')
    config.test_dataloader.dataset = config.test_cfg.train_dataloader.dataset = imagenet
    check_scored(config)


def test_hooks_that_measure_on_other_images_are_named(config):
    found = list(other_images_of_hooks(config))
    assert [sentence.split()[0] for sentence in found] == [
        'default_hooks.knn.train_dataloader',
        'default_hooks.knn.test_dataloader',
        'default_hooks.collapse.dataloader',
    ]
    assert 'default_hooks.knn=None' in found[0]


def test_what_is_clustered_is_what_is_trained_on(config):
    check_clustered(config)
    config.default_hooks.clustering.dataloader.dataset.data_root = 'data/photos/'
    check_clustered(config)
    config.default_hooks.clustering.dataloader.dataset.data_root = 'data/other'
    with pytest.raises(ConfigError, match='has data_root=data/other, but .* data_root=data/photos'):
        prepare_training(config, None, None, False)
    config.default_hooks.clustering = Config.fromfile(CIFAR10).default_hooks.clustering
    with pytest.raises(ConfigError, match='clustering.dataloader.dataset has type=CIFAR10'):
        prepare_training(config, None, None, False)


def test_the_page_and_the_encoder_read_what_was_clustered(config):
    assert plain_loader(config).dataset.data_root == 'data/photos'
    assert plain_pipeline(config) == [LOAD]


def test_without_a_test_the_plain_loader_reads(config):
    config.pop('test_dataloader')
    assert plain_pipeline(config) == [LOAD]
    config.default_hooks.clustering = None
    assert plain_pipeline(config) == []


def test_without_clustering_the_plain_loader_must_read_the_training_images(config):
    config.default_hooks.clustering = None
    with pytest.raises(ConfigError, match='no loader over the training images'):
        plain_loader(config)
    with pytest.warns(UserWarning, match='pipeline of test_dataloader, which is for CIFAR10'):
        plain_pipeline(config)
    config.plain_train_dataloader.dataset = dict(OWN, pipeline=[LOAD])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert plain_pipeline(config) == [LOAD]
