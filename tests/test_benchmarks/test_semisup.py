"""Configs of fine-tuning on few labels: learning rates, what is trained, real runs on digits."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmpretrain.models import ImageClassifier

from mmrcl.launch import build_runner, prepare_training
from mmrcl.registry import MODELS, PARAM_SCHEDULERS, TRANSFORMS

from ..tiers import check_slow

FOLDER = Path(__file__).parents[2] / 'configs/benchmarks/semisup'
# tests/test_benchmarks/test_partly_labeled.py has those that also learn from unlabelled images.
CONFIGS = sorted(FOLDER.glob('resnet*.py'))
IMAGENET = [path for path in CONFIGS if 'in1k' in path.stem]
DIGITS = [path for path in CONFIGS if 'digits' in path.stem]
# The rows of the paper's Table 2 that are pretrained, by their configs for digits.
PRETRAINED = [
    f'{method}_resnet18_1xb128-coslr-30e_digits'
    for method in ('instdisc', 'pcl', 'simclr', 'byol', 'barlowtwins', 'nnclr', 'rcl')
] + ['swav_resnet18_1xb128-mcrop-coslr-30e_digits']
# Of trunk and head in the published recipes: before the first epoch.
RATES = {
    'resnet50_8xb32-steplr-20e_in1k-1pct': (0.02, 5.0),
    'resnet50_8xb32-steplr-20e_in1k-10pct': (0.01, 0.2),
    'resnet50_8xb128-coslr-30e_in1k-1pct': (0.02, 0.02),
    'resnet50_8xb128-coslr-50e_in1k-10pct': (0.02, 0.02),
}


def by_path(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize('path', paths, ids=lambda path: path.stem)


def at_random(path: Path) -> Config:
    """The config as ``--pretrained random`` makes it."""
    config = Config.fromfile(path)
    config.model.backbone.pop('init_cfg')
    return config


def build(config: Config) -> tuple[ImageClassifier, OptimWrapper]:
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
        return model, build_optim_wrapper(model, config.optim_wrapper)


def rates(model: ImageClassifier, optim_wrapper: OptimWrapper) -> tuple[set, set]:
    """Learning rates of trunk and head."""
    rate = {
        id(parameter): group['lr']
        for group in optim_wrapper.param_groups
        for parameter in group['params']
    }
    head = {id(parameter) for parameter in model.head.parameters()}
    return {rate[i] for i in rate if i not in head}, {rate[i] for i in head}


@by_path(IMAGENET)
def test_trunk_and_head_have_their_rates(path):
    config = at_random(path)
    model, optim_wrapper = build(config)
    schedule = {k: v for k, v in config.param_scheduler[0].items() if k != 'convert_to_iter_based'}
    scheduler = PARAM_SCHEDULERS.build(dict(schedule, optimizer=optim_wrapper))
    found = []
    for _ in range(config.train_cfg.max_epochs):
        trunk, head = rates(model, optim_wrapper)
        assert len(trunk) == len(head) == 1
        found.append((*trunk, *head))
        optim_wrapper.step()
        scheduler.step()
    assert found[0] == pytest.approx(RATES[path.stem])
    factors = [pair[0] / found[0][0] for pair in found]
    if 'steplr' in path.stem:
        assert factors == pytest.approx(12 * [1] + 4 * [0.2] + 4 * [0.04])
    else:
        assert factors == sorted(factors, reverse=True)
        assert factors[-1] < 0.01
    for factor, (_, head) in zip(factors, found, strict=True):
        assert head == pytest.approx(factor * found[0][1])


@by_path(CONFIGS)
def test_all_is_trained_and_nothing_decays(path):
    model, optim_wrapper = build(at_random(path))
    model.train()
    trained = [p for group in optim_wrapper.param_groups for p in group['params']]
    assert {id(p) for p in trained} >= {id(p) for p in model.parameters()}
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    assert all(group.get('weight_decay', 0) == 0 for group in optim_wrapper.param_groups)


@by_path(CONFIGS)
def test_name_tells_batch_epochs_and_share(path):
    config = Config.fromfile(path)
    ranks, batch, epochs, share = map(
        int, re.search(r'_(\d+)xb(\d+)-\w+-(\d+)e_\w+-(\d+)pct', path.stem).groups()
    )
    assert config.train_dataloader.batch_size == batch
    assert config.auto_scale_lr.base_batch_size == ranks * batch
    assert config.train_cfg.max_epochs == config.param_scheduler[0].end == epochs
    dataset = config.train_dataloader.dataset
    if 'digits' in path.stem:
        assert dataset.fraction == share / 100
    else:
        assert dataset.ann_file == f'meta/train_{share}pct.txt'


@by_path(CONFIGS)
def test_images_reach_the_model_as_it_wants_them(path):
    config = Config.fromfile(path)
    channels = config.model.backbone.get('in_channels', 3)
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        # A share of the labels keeps its data set inside.
        pipeline = loader.dataset.get('dataset', loader.dataset).pipeline
        image = np.zeros((40, 60, 3) if channels == 3 else (8, 8), np.uint8)
        item = dict(img=image, ori_shape=image.shape[:2], img_shape=image.shape[:2], gt_label=1)
        with DefaultScope.overwrite_default_scope('mmrcl'):
            for transform in pipeline:
                if transform['type'] != 'LoadImageFromFile':
                    item = TRANSFORMS.build(transform)(item)
        side = 224 if channels == 3 else 16
        assert item['inputs'].shape == (channels, side, side)
        assert int(item['data_samples'].gt_label) == 1


@by_path(CONFIGS)
def test_backbone_starts_from_a_checkpoint(path):
    config = Config.fromfile(path)
    assert config.model.backbone.init_cfg == dict(type='mmrcl.StrictPretrained', checkpoint=None)
    assert config.default_scope == 'mmrcl'


def tiny_run(path: Path, work_dir: Path, seed: int, random: bool = True) -> Config:
    config = at_random(path) if random else Config.fromfile(path)
    config.merge_from_dict(
        {
            'train_dataloader.dataset.seed': seed,
            'train_cfg.max_epochs': 3,
            'train_cfg.val_interval': 3,
            'work_dir': str(work_dir),
            'launcher': 'none',
            'experiment_name': f'{path.stem}_{seed}',
        }
    )
    return config


@pytest.mark.slow
@by_path(DIGITS)
def test_training_on_few_digits(path, tmp_path):
    images = []
    for seed in (0, 1):
        runner = build_runner(tiny_run(path, tmp_path / str(seed), seed), train=True)
        dataset = runner.train_loop.dataloader.dataset.dataset
        images.append([dataset.get_data_info(i)['img'].tobytes() for i in range(len(dataset))])
        before = [parameter.clone() for parameter in runner.model.parameters()]
        runner.train()
        assert len(runner.train_loop.dataloader) * 3 == runner.iter
        after = runner.model.parameters()
        moved = [not old.equal(new) for old, new in zip(before, after, strict=True)]
        assert sum(moved) > 0.9 * len(moved)
    assert images[0] != images[1]
    scalars = next((tmp_path / '0').rglob('scalars.json')).read_text().splitlines()
    last = json.loads(scalars[-1])
    assert 0 < last['accuracy/top1'] <= last['accuracy/top5'] <= 100
    assert 'accuracy/top1' in next((tmp_path / '0').rglob('*.log')).read_text()


def checkpoint_of(name: str, folder: Path) -> tuple[str, dict[str, torch.Tensor]]:
    """A file as a pretraining by this config writes it, and the encoder in it."""
    path = FOLDER.parents[1] / ('rcl' if name.startswith('rcl') else 'baselines') / f'{name}.py'
    config = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(config.model)
    state = model.state_dict()
    for tensor in state.values():  # no two are equal, also of an encoder and its momentum twin
        if tensor.is_floating_point():
            tensor.uniform_()
    file = folder / f'{name}.pth'
    torch.save(dict(state_dict=state), file)
    return str(file), model.backbone.state_dict()


def from_checkpoint(path: Path, checkpoint: str, work_dir: Path) -> Runner:
    config = tiny_run(path, work_dir, seed=0, random=False)
    config.experiment_name = f'{path.stem}_from_{Path(checkpoint).stem}'
    prepare_training(config, None, None, False, checkpoint)
    return build_runner(config, train=True)


@pytest.mark.slow
@pytest.mark.parametrize('name', PRETRAINED)
def test_fine_tunes_the_encoder_of_each_row_of_table_2(name, tmp_path):
    checkpoint, encoder = checkpoint_of(name, tmp_path)
    runner = from_checkpoint(DIGITS[0], checkpoint, tmp_path)
    runner.model.init_weights()
    for key, tensor in runner.model.backbone.state_dict().items():
        assert tensor.equal(encoder[key]), key


@pytest.mark.slow
def test_training_from_the_checkpoint_of_a_baseline(tmp_path):
    checkpoint, encoder = checkpoint_of(PRETRAINED[0], tmp_path)
    runner = from_checkpoint(DIGITS[0], checkpoint, tmp_path)
    runner.train()
    check_slow('trains')
    moved = dict(runner.model.backbone.named_parameters())
    assert all(not value.equal(encoder[name]) for name, value in moved.items())
    scalars = next(tmp_path.rglob('scalars.json')).read_text().splitlines()
    assert 0 <= json.loads(scalars[-1])['accuracy/top1'] <= 100
