import re
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from mmpretrain.structures import DataSample

from mmrcl.launch import build_hooks
from mmrcl.registry import LOOPS, MODELS, TRANSFORMS

ROOT = Path(__file__).parents[1] / 'configs'
EVERY_CONFIG = sorted(path for path in ROOT.rglob('*.py') if '_base_' not in path.parts)
# tests/test_benchmarks builds the others; grids are no training configs, see tests/test_engine.
CONFIGS = [path for path in EVERY_CONFIG if not {'benchmarks', 'ablations'} & {*path.parts}]
CONFIGS += sorted(ROOT.glob('ablations/_base_/*_*xb*.py'))
RCL_ON_IMAGENET = [
    path
    for path in CONFIGS
    if path.stem.endswith('in1k') and Config.fromfile(path).model.type == 'RCL'
]
# The paper trains ResNets alone.
OF_THE_PAPER = [path for path in RCL_ON_IMAGENET if '_vit-' not in path.stem]


# tests/test_baselines builds the models of the other methods for ImageNet.
BUILT = [
    path
    for path in CONFIGS
    if path.parent.name != 'baselines' or not path.stem.endswith('in1k') or path in RCL_ON_IMAGENET
]


def bases(path: Path) -> list[Path]:
    """Those of this repository."""
    found = Config._get_base_files(str(path))
    return [(path.parent / base).resolve() for base in found if '::' not in base]


def depth(path: Path) -> int:
    return 1 + max((depth(base) for base in bases(path)), default=0)


def inherited(path: Path) -> set[Path]:
    return set(bases(path)).union(*(inherited(base) for base in bases(path)))


def needs_kmeans(path: Path) -> bool:
    return path.stem.startswith(('pcl', 'rcl-images_resnet18_1xb256'))


@pytest.mark.parametrize('path', EVERY_CONFIG, ids=lambda path: path.stem)
def test_config_is_shallow_and_says_what_it_reproduces(path):
    assert depth(path) <= 4
    assert len(inherited(path)) <= 5
    assert path.read_text().startswith('# ')


@pytest.mark.parametrize('path', BUILT, ids=lambda path: path.stem)
def test_parts_of_a_config_build(path):
    if needs_kmeans(path) and sys.version_info < (3, 11):
        pytest.skip('pt_kmeans needs Python 3.11 or newer')
    config = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
        assert build_hooks(config)
        for loader in (config.train_dataloader, config.test_dataloader):
            for transform in loader.dataset.pipeline:
                TRANSFORMS.build(transform)
        assert LOOPS.get(config.test_cfg.type)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_schedule_ends_with_the_training(path):
    config = Config.fromfile(path)
    if 'constlr' in path.stem:
        assert not config.get('param_scheduler')
        return
    *warmup, decay = config.param_scheduler
    # Baselines with SGD's batches, and SwAV, start without warm-up.
    assert bool(warmup) == (re.search('8xb(16|32|128)-|-steplr-', path.stem) is None)
    if decay.type == 'MultiStepLR':
        assert decay.milestones == sorted(decay.milestones)
        assert decay.milestones[-1] < config.train_cfg.max_epochs
        return
    assert [part.type for part in warmup] in ([], ['LinearLR'])
    begins, ends = (
        [0, *(part.end for part in warmup)],
        [part.end for part in config.param_scheduler],
    )
    assert [part.begin for part in config.param_scheduler] == begins
    assert ends[-1] == decay.begin + decay.T_max == config.train_cfg.max_epochs
    assert all(part.convert_to_iter_based for part in config.param_scheduler)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_name_tells_batch_and_epochs(path):
    config = Config.fromfile(path)
    ranks, batch, epochs = re.search(r'_(\d+)xb(\d+)-.*?(\d+)e_', path.stem).groups()
    assert config.train_dataloader.batch_size == int(batch)
    assert config.auto_scale_lr.base_batch_size == int(ranks) * int(batch)
    assert config.train_cfg.max_epochs == int(epochs)


@pytest.mark.parametrize('path', OF_THE_PAPER, ids=lambda path: path.stem)
def test_imagenet_config_of_rcl_has_the_settings_of_the_paper(path):
    config = Config.fromfile(path)
    assert config.model.queue.length == 98304
    assert config.model.head.loss.temperature == 0.1
    assert config.optim_wrapper.optimizer.lr == pytest.approx(0.3 * 4096 / 256)
    assert config.optim_wrapper.optimizer.weight_decay == 1e-6
    assert 8 * config.train_dataloader.batch_size == config.auto_scale_lr.base_batch_size == 4096
    assert config.model.base_momentum == (0.004 if '800e' in path.stem else 0.01)


def test_the_vision_transformer_has_the_optimiser_of_mocov3_and_the_loss_of_the_paper():
    ours = Config.fromfile(ROOT / 'rcl/rcl_vit-small-p16_8xb512-coslr-300e_in1k.py')
    theirs = get_config('mmpretrain::mocov3/mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k.py')
    paper = Config.fromfile(ROOT / 'rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py')
    assert ours.optim_wrapper.optimizer == theirs.optim_wrapper.optimizer
    assert ours.param_scheduler == theirs.param_scheduler
    assert ours.auto_scale_lr == theirs.auto_scale_lr
    for key in ('img_size', 'patch_size', 'stop_grad_conv1', 'type'):
        assert ours.model.backbone[key] == theirs.model.backbone[key]
    for key in ('in_channels', 'hid_channels', 'out_channels', 'num_layers', 'with_avg_pool'):
        assert ours.model.neck[key] == theirs.model.neck[key]
    for key in ('head', 'queue', 'retrievers', 'hierarchy', 'base_momentum'):
        assert ours.model[key] == paper.model[key]


PRETRAINING_ON_IMAGENET = [path for path in CONFIGS if path.stem.endswith('in1k')]


@pytest.mark.parametrize('path', PRETRAINING_ON_IMAGENET, ids=lambda path: path.stem)
def test_imagenet_config_has_the_settings_for_gpus(path):
    config = Config.fromfile(path)
    assert config.env_cfg.cudnn_benchmark
    assert config.default_hooks.channels_last.type == 'ChannelsLastHook'
    assert config.default_hooks.checkpoint.interval == 1
    assert config.optim_wrapper.type == 'BFloat16OptimWrapper'
    assert config.train_dataloader.pin_memory


def test_imagenet_runtime_differs_from_the_default_in_these_alone():
    # mmengine refuses two bases with one key, and a third base would be one too deep.
    runtime = Config.fromfile(ROOT / '_base_/imagenet_runtime.py').to_dict()
    default = Config.fromfile(ROOT / '_base_/default_runtime.py').to_dict()
    default['default_hooks']['channels_last'] = dict(type='ChannelsLastHook')
    default['default_hooks']['checkpoint']['interval'] = 1
    default['env_cfg']['cudnn_benchmark'] = True
    assert runtime == default


def check_exclusions(model, optim_wrapper):
    """Biases and norms stay out of weight decay and of LARS' adaptation."""
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


@pytest.mark.slow
@pytest.mark.parametrize('path', RCL_ON_IMAGENET, ids=lambda path: path.stem)
def test_imagenet_config_of_rcl_takes_an_optimiser_step(path):
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
    if config.optim_wrapper.optimizer.type == 'LARS':
        check_exclusions(model, optim_wrapper)
    before = [parameter.clone() for parameter in model.parameters() if parameter.requires_grad]
    for step in range(2):
        views = [torch.randint(0, 256, (4, 3, 96, 96), dtype=torch.uint8) for _ in range(2)]
        images = range(4 * step, 4 * step + 4)
        samples = [DataSample(metainfo=dict(sample_idx=i, view_key=(0, 0, i))) for i in images]
        log = model.train_step(dict(inputs=views, data_samples=samples), optim_wrapper)
        assert torch.isfinite(log['loss'])
    after = [parameter for parameter in model.parameters() if parameter.requires_grad]
    moved = sum(not torch.equal(*pair) for pair in zip(before, after, strict=True))
    assert moved > 0.9 * len(after)
