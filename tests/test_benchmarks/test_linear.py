"""Linear evaluation: a frozen encoder, and both protocols from the command line."""

import csv
import re
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from mmpretrain.structures import DataSample
from torch import nn

from mmrcl.registry import MODELS

from ..commands import call, tool

FOLDER = Path(__file__).parents[2] / 'configs/benchmarks/linear'
CONFIGS = sorted(FOLDER.glob('*.py'))
DIGITS = FOLDER / 'resnet18_1xb128-linear-sgd-coslr-90e_digits.py'
SMALL = [
    'model.backbone.stem_channels=4',
    'model.backbone.base_channels=4',
    'model.head.in_channels=32',
    'train_cfg.max_epochs=2',
    'train_dataloader.dataset.indices=192',
]


class Steps:
    """Three training steps on random images, and what they did.

    Attributes:
        moved: parameters and buffers that changed, by name.
        recorded: whether autograd recorded anything in the backbone.
    """

    def __init__(self, config: Config) -> None:
        set_random_seed(0)
        config.model.backbone.init_cfg = None
        with DefaultScope.overwrite_default_scope('mmrcl'):
            model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
            optimizer = build_optim_wrapper(model, config.optim_wrapper)
        model.init_weights()
        self.recorded = False
        model.backbone.register_forward_hook(self._look)
        for norm in model.backbone.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        model.train()
        for _ in range(3):
            channels = config.model.backbone.get('in_channels', 3)
            images = torch.randint(0, 256, (4, channels, 32, 32), dtype=torch.uint8)
            samples = [DataSample().set_gt_label(i) for i in range(4)]
            model.train_step(dict(inputs=images, data_samples=samples), optimizer)
        after = model.state_dict()
        self.moved = {name for name in before if not torch.equal(before[name], after[name])}

    def _look(self, backbone: nn.Module, images: tuple, maps: tuple) -> None:
        self.recorded |= any(feature_map.requires_grad for feature_map in maps)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_nothing_of_the_encoder_changes(path):
    steps = Steps(Config.fromfile(path))
    assert steps.moved == {'head.fc.weight', 'head.fc.bias'}
    assert not steps.recorded


@pytest.mark.parametrize('thawed', [dict(frozen_stages=-1), dict(frozen_stages=3)])
def test_an_encoder_that_is_not_frozen_is_found_out(thawed):
    config = Config.fromfile(DIGITS)
    config.model.backbone.update(norm_eval=False, **thawed)
    steps = Steps(config)
    assert steps.recorded
    assert 'backbone.layer4.0.conv1.weight' in steps.moved
    assert 'backbone.layer4.1.bn2.running_var' in steps.moved


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_recipes(path):
    config = Config.fromfile(path)
    optimizer = config.optim_wrapper.optimizer
    assert optimizer.momentum == 0.9
    if 'in1k' in path.stem:
        assert optimizer.weight_decay == 0
    if 'lars' in path.stem:
        assert (optimizer.type, optimizer.lr, optimizer.nesterov) == ('LARS', 1.0, True)
        assert config.auto_scale_lr.base_batch_size == 4096
    elif 'in1k' in path.stem:
        assert (optimizer.type, optimizer.get('nesterov', False)) == ('SGD', False)
        assert optimizer.lr / config.auto_scale_lr.base_batch_size == pytest.approx(0.1 / 256)
    (cosine,) = config.param_scheduler
    assert (cosine.T_max, cosine.end, config.train_cfg.max_epochs) == (90, 90, 90)
    assert config.train_dataloader.dataset.split == 'train'
    assert config.val_dataloader.dataset == config.test_dataloader.dataset
    assert config.val_evaluator == config.test_evaluator == [dict(type='Accuracy', topk=(1, 5))]


def pretrained(path: Path, seed: int) -> Path:
    """A checkpoint with a small encoder of random weights."""
    set_random_seed(seed)
    config = Config.fromfile(DIGITS)
    config.model.backbone.update(stem_channels=4, base_channels=4, init_cfg=None)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        backbone = MODELS.build(config.model.backbone)
    state = {f'backbone.{name}': tensor for name, tensor in backbone.state_dict().items()}
    torch.save(dict(state_dict=state), path)
    return path


@pytest.mark.slow
def test_by_images_then_test(tmp_path):
    checkpoint = pretrained(tmp_path / 'encoder.pth', 0)
    arguments = ('--work-dir', tmp_path, '--cfg-options', *SMALL)
    done = call('train.py', DIGITS, '--pretrained', checkpoint, *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    top1 = re.findall(r'\[2\]\[2/2\]\s+accuracy/top1: ([\d.]+)  accuracy/top5', done.stdout)
    (best,) = tmp_path.glob('best_accuracy_top1_epoch_*.pth')
    assert torch.load(best, weights_only=False)['meta']['cfg']
    trained = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)['state_dict']
    for name, tensor in torch.load(checkpoint)['state_dict'].items():
        assert torch.equal(trained[name], tensor), name
    done = call('test.py', DIGITS, tmp_path / 'epoch_2.pth', *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f'accuracy/top1: {top1[0]}' in done.stdout


@pytest.mark.slow
def test_probe_keeps_features_and_knows_whose_they_are(tmp_path):
    cache, tables = tmp_path / 'features.pt', [tmp_path / 'first.csv', tmp_path / 'again.csv']
    encoders = [pretrained(tmp_path / f'encoder_{seed}.pth', seed) for seed in range(2)]
    options = ('--lrs', 0.1, 1, '--weight-decays', 0, 1e-3, '--features', cache)
    small = ('--work-dir', tmp_path, '--cfg-options', *SMALL)
    for table in tables:
        done = call('linear_probe.py', DIGITS, encoders[0], *options, '--out', table, *small)
        assert done.returncode == 0, done.stderr[-3000:]
    first, again = (list(csv.DictReader(table.open())) for table in tables)
    assert first == again
    assert [row['metric'] for row in first] == ['held-out'] * 4 + ['linear', 'knn']
    features = torch.load(cache, weights_only=True)['features']
    assert features['train'].shape == (192, 32)
    assert features['views'].shape == (2, 192, 32)
    assert features['val'].shape == (355, 32)
    assert not torch.equal(features['views'][0], features['train'])
    for changed, what in (
        ((encoders[1], *options), 'checkpoint'),
        ((encoders[0], *options, '--views', 1), 'views'),
    ):
        done = call('linear_probe.py', DIGITS, *changed, *small)
        assert done.returncode == 1
        assert f'features.pt is of another {what}' in done.stderr


@pytest.mark.nightly
def test_benchmark_runs_both_protocols(tmp_path):
    checkpoint = pretrained(tmp_path / 'encoder.pth', 0)
    table = tmp_path / 'table.csv'
    done = tool(
        *('benchmarks/linear.py', DIGITS, checkpoint, '--work-dir', tmp_path, '--seeds', 0),
        *('--out', table, '--cfg-options', *SMALL),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows = list(csv.DictReader(table.open()))
    assert [row['protocol'] for row in rows] == ['by images', 'cached features']
    assert all(0 < float(row['mean']) < 100 for row in rows)
