"""Small real runs on digits, from the shipped config, for the tests of the engine."""

import itertools
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.checkpoint.latest import latest_checkpoint
from mmrcl.launch import build_runner

from .tiers import check_slow

CONFIG = Path(__file__).parents[1] / 'configs/rcl/rcl_resnet18_1xb128-coslr-30e_digits.py'
_names = itertools.count()

TINY = {
    'model.backbone.stem_channels': 4,
    'model.backbone.base_channels': 4,
    'model.neck.in_channels': 32,
    'model.neck.hid_channels': 16,
    'model.neck.out_channels': 16,
    'model.head.predictor.in_channels': 16,
    'model.head.predictor.hid_channels': 16,
    'model.head.predictor.out_channels': 16,
    'model.queue.feat_dim': 16,
    'model.queue.length': 96,
    'model.hierarchy.feat_dim': 16,
    'train_dataloader.batch_size': 32,
    'train_dataloader.dataset.indices': 192,
    'default_hooks.clustering.dataloader.dataset.indices': 192,
    'default_hooks.clustering.warmup_epochs': 2,
    'default_hooks.knn.interval': 100,
    'default_hooks.collapse.num_samples': 96,
    'train_cfg.max_epochs': 4,
    'default_hooks.checkpoint.interval': 1,
    'default_hooks.checkpoint.max_keep_ckpts': -1,
}

# Changes that make a vision transformer of the backbone: 8 x 8 patches, class tokens of width 16.
VIT = dict(
    model__backbone=dict(
        _delete_=True,
        type='MoCoV3ViT',
        arch=dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32),
        img_size=16,
        patch_size=2,
        in_channels=1,
        stop_grad_conv1=True,
    ),
    model__neck__in_channels=16,
    model__neck__with_avg_pool=False,
)
# Changes that make a residual network of timm of it, with batch norms.
OF_TIMM = dict(
    model__backbone=dict(
        _delete_=True, type='LibraryBackbone', library='timm', model='test_resnet', in_channels=1
    ),
    model__neck__in_channels=96,
    model__neck__with_avg_pool=False,
)

MEASURING = ('knn', 'collapse', 'pair_monitor', 'hierarchy_monitor')


def without_hooks(config: Config, *names: str) -> Config:
    """Takes hooks out by their names, in place; by default those that only measure."""
    for name in names or MEASURING:
        del config.default_hooks[name]
    return config


def tiny_config(work_dir: Path, **changes: Any) -> Config:
    """The digits config cut down to 192 images and four epochs of six iterations."""
    config = Config.fromfile(CONFIG)
    config.merge_from_dict(TINY | {key.replace('__', '.'): value for key, value in changes.items()})
    config.work_dir = str(work_dir)
    config.experiment_name = f'test_{next(_names)}'
    config.launcher = 'none'
    return config


def train(config: Config, *hooks: Hook) -> Runner:
    """Runs a config to its end, for a test that is marked slow."""
    runner = run(config, *hooks)
    check_slow('trains')
    return runner


def run(config: Config, *hooks: Hook) -> Runner:
    """Runs a config to its end, with further hooks."""
    if config.get('resume') and config.get('load_from') is None:
        found = latest_checkpoint(Path(config.work_dir))
        config.load_from = found and str(found)
    runner = build_runner(config, train=True)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner
