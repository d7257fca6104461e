"""Before a run: classes of two data sets, of the head, of the metrics and of a checkpoint."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmcv import imwrite
from mmengine.config import Config

from mmrcl.errors import ConfigError
from mmrcl.launch import build_runner, prepare_test, prepare_training

from ..commands import call
from ..runs import tiny_config

LINEAR = (
    Path(__file__).parents[2]
    / 'configs/benchmarks/linear/resnet18_1xb128-linear-sgd-coslr-90e_digits.py'
)
NAMES = ('five', 'four', 'one', 'three', 'two')
PIPELINE = [
    dict(type='LoadImageFromFile', color_type='grayscale'),
    dict(type='Resize', scale=(16, 16)),
    dict(type='PackInputs'),
]


def dataset(root: Path, *names: str) -> dict:
    for name in names:
        for number in range(4):
            imwrite(np.zeros((16, 16), np.uint8), str(root / name / f'{number}.png'))
    return dict(type='CustomDataset', data_root=str(root), pipeline=PIPELINE)


def classifier(tmp_path: Path, test: tuple[str, ...] = NAMES, num_classes: int = 5) -> Config:
    config = Config.fromfile(LINEAR)
    config.model.backbone.update(stem_channels=4, base_channels=4)
    config.model.backbone.pop('init_cfg')
    config.model.head.update(num_classes=num_classes, in_channels=32)
    config.train_dataloader.batch_size = 4
    config.train_dataloader.dataset = dataset(tmp_path / 'train', *NAMES)
    for loader in (config.val_dataloader, config.test_dataloader):
        loader.dataset = dataset(tmp_path / 'test', *test)
    config.update(work_dir=str(tmp_path / 'run'), launcher='none', experiment_name=tmp_path.name)
    return config


def test_training_needs_the_classes_of_the_validation(tmp_path):
    with pytest.raises(ConfigError, match='only train_dataloader has five, four'):
        build_runner(classifier(tmp_path, NAMES[2:]), train=True)


def test_the_head_needs_all_classes(tmp_path):
    with pytest.raises(ConfigError, match=r'train_dataloader has 5 classes.*num_classes=4: set'):
        build_runner(classifier(tmp_path, num_classes=4), train=True)


def test_labels_without_names_are_counted(tmp_path):
    config = classifier(tmp_path, num_classes=5)
    (tmp_path / 'train/list.txt').write_text('one/0.png 0\ntwo/0.png 7\n')
    config.train_dataloader.dataset.ann_file = 'list.txt'
    with pytest.raises(ConfigError, match='train_dataloader has 8 classes'):
        build_runner(config, train=True)


@pytest.mark.parametrize('prepare', ['training', 'test'])
def test_top_5_needs_five_classes(tmp_path, prepare):
    config = classifier(tmp_path, num_classes=3)
    with pytest.raises(ConfigError, match=r'needs at least 5 classes.*num_classes=3: set topk=\(1'):
        if prepare == 'training':
            prepare_training(config, None, None, False)
        else:
            prepare_test(config, 'checkpoint.pth')


def test_a_classifier_is_tested_on_the_classes_of_its_checkpoint(tmp_path):
    config = classifier(tmp_path)
    config.load_from = str(tmp_path / 'epoch_1.pth')
    for trained, fits in ((NAMES, True), (('.x', *NAMES[1:]), False)):
        meta = dict(dataset_meta=dict(classes=trained))
        torch.save(dict(state_dict=dict(a=torch.zeros(1)), meta=meta), config.load_from)
        if fits:
            build_runner(config, test=True)
            continue
        with pytest.raises(ConfigError, match='only .*epoch_1.pth has .x; only test_dataloader'):
            build_runner(config, test=True)
        config.resume = True
        with pytest.raises(ConfigError, match='only .*epoch_1.pth has .x; only train_dataloader'):
            build_runner(config, train=True)


def scored(tmp_path: Path) -> Config:
    config = tiny_config(tmp_path / 'run')
    config.test_cfg.train_dataloader.dataset = dataset(tmp_path / 'train', *NAMES)
    config.test_dataloader.dataset = dataset(tmp_path / 'test', *NAMES[2:])
    return config


def test_a_representation_is_scored_with_the_classes_of_its_gallery(tmp_path):
    with pytest.raises(ConfigError, match='only test_cfg.train_dataloader has five, four'):
        build_runner(scored(tmp_path), test=True)


def test_knn_compares_classes_before_training(tmp_path):
    config = scored(tmp_path)
    hook = config.default_hooks.knn
    hook.train_dataloader = config.test_cfg.train_dataloader
    hook.test_dataloader = config.test_dataloader
    runner = build_runner(config, train=True)
    (knn,) = (each for each in runner.hooks if type(each).__name__ == 'KNNHook')
    with pytest.raises(ConfigError, match='only KNNHook.train_dataloader has five, four'):
        knn.before_train(runner)


@pytest.mark.slow
def test_the_linear_probe_compares_classes(tmp_path):
    config = classifier(tmp_path, NAMES[2:])
    config.model.backbone.init_cfg = dict(type='mmrcl.StrictPretrained', checkpoint=None)
    config.dump(tmp_path / 'linear.py')
    done = call('linear_probe.py', tmp_path / 'linear.py', 'random', '--work-dir', tmp_path)
    assert done.returncode == 1
    assert 'error: labels of train_dataloader and val_dataloader stand for' in done.stderr
