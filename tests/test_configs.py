from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from mmpretrain.structures import DataSample

from mmrcl.registry import HOOKS, LOOPS, MODELS, TRANSFORMS

ROOT = Path(__file__).parents[1] / 'configs'
CONFIGS = sorted(path for path in ROOT.rglob('*.py') if '_base_' not in path.parts)
IMAGENET = [path for path in CONFIGS if path.stem.endswith('in1k')]


def bases(path: Path) -> list[Path]:
    found = Config.fromfile(path)._cfg_dict and Config._get_base_files(str(path))
    return [(path.parent / base).resolve() for base in found]


def depth(path: Path) -> int:
    return 1 + max((depth(base) for base in bases(path)), default=0)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_config_is_shallow_and_says_what_it_reproduces(path):
    assert depth(path) <= 3
    assert path.read_text().startswith('# ')


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_parts_of_a_config_build(path):
    config = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
        for hook in config.custom_hooks:
            HOOKS.build(hook)
        for loader in (config.train_dataloader, config.test_dataloader):
            for transform in loader.dataset.pipeline:
                TRANSFORMS.build(transform)
        assert LOOPS.get(config.test_cfg.type)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_schedule_ends_with_the_training(path):
    config = Config.fromfile(path)
    warmup, cosine = config.param_scheduler
    assert warmup.end == cosine.begin
    assert cosine.end == cosine.begin + cosine.T_max == config.train_cfg.max_epochs


@pytest.mark.parametrize('path', IMAGENET, ids=lambda path: path.stem)
def test_imagenet_config_has_the_settings_of_the_paper(path):
    config = Config.fromfile(path)
    assert config.model.queue.length == 98304
    assert config.model.head.loss.temperature == 0.1
    assert config.optim_wrapper.optimizer.lr == pytest.approx(0.3 * 4096 / 256)
    assert config.optim_wrapper.optimizer.weight_decay == 1e-6
    assert 8 * config.train_dataloader.batch_size == config.auto_scale_lr.base_batch_size == 4096
    assert config.model.base_momentum == (0.004 if '800e' in path.stem else 0.01)


@pytest.mark.slow
@pytest.mark.parametrize('path', IMAGENET, ids=lambda path: path.stem)
def test_imagenet_config_takes_an_optimiser_step(path):
    config = Config.fromfile(path)
    set_random_seed(0)
    config.model.queue.length = 64
    if config.model.hierarchy is not None:
        config.model.hierarchy.num_samples = 32
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
        optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
    MessageHub.get_current_instance().update_info('max_iters', 10)
    model.train()
    groups = {
        name: group
        for group in optim_wrapper.param_groups
        for name, parameter in model.named_parameters()
        if parameter is group['params'][0] and parameter.requires_grad
    }
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            flat = parameter.ndim == 1 or name.endswith('bias')
            assert groups[name].get('lars_exclude', False) == flat, name
            assert (groups[name]['weight_decay'] == 0) == flat, name
    before = [parameter.clone() for parameter in model.parameters() if parameter.requires_grad]
    for step in range(2):
        views = [torch.randint(0, 256, (4, 3, 224, 224), dtype=torch.uint8) for _ in range(2)]
        samples = [DataSample(metainfo=dict(sample_idx=4 * step + i)) for i in range(4)]
        log = model.train_step(dict(inputs=views, data_samples=samples), optim_wrapper)
        assert torch.isfinite(log['loss'])
    after = [parameter for parameter in model.parameters() if parameter.requires_grad]
    moved = sum(not torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert moved > 0.9 * len(after)
