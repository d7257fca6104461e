"""Options of a recipe: precision, memory format, compilation, learning rate, SyncBN on a CPU."""

import pytest
import torch
from mmengine.config import Config

from mmrcl.engine import BFloat16OptimWrapper
from mmrcl.errors import ConfigError
from mmrcl.launch import build_runner, prepare_training, read_config, start_processes
from mmrcl.launch.learning_rate import LearningRate

from ..runs import tiny_config, train, without_hooks
from .test_training import assert_same


def short_config(work_dir, *hooks: dict, **changes) -> Config:
    """Two epochs of six iterations, the second with a hierarchy, in plain SGD."""
    sgd = dict(type='SGD', lr=0.05, momentum=0.9)
    settings = dict(train_cfg__max_epochs=2, default_hooks__clustering__warmup_epochs=1)
    config = tiny_config(work_dir, **settings, **changes)
    config.optim_wrapper.optimizer = sgd
    del config.default_hooks.channels_last
    config.custom_hooks = list(hooks)
    return without_hooks(config)


def losses(runner) -> list[float]:
    return [float(value) for value in runner.message_hub.get_scalar('train/loss')._log_history]


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('plain')
    return work_dir, train(short_config(work_dir))


@pytest.mark.slow
def test_bfloat16_trains_on_a_cpu_close_to_float32(plain, tmp_path):
    config = short_config(tmp_path)
    config.optim_wrapper.update(loss_scale='dynamic', dtype='float16')
    prepare_training(config, None, 'bfloat16', False)
    runner = train(config)
    assert isinstance(runner.optim_wrapper, BFloat16OptimWrapper)
    expected, found = losses(plain[1]), losses(runner)
    assert len(expected) == len(found) == 12
    # The loss is near 3 to 5. The first steps differ by rounding alone, the later ones in weights.
    assert found[:3] == pytest.approx(expected[:3], abs=0.02)
    assert found == pytest.approx(expected, rel=0.1)
    assert found != expected
    state = runner.model.state_dict()
    assert not any(tensor.dtype == torch.bfloat16 for tensor in state.values())
    assert runner.model.queue.features.dtype == torch.float32
    norms = runner.model.queue.features.norm(dim=1)
    assert torch.allclose(norms, torch.ones_like(norms), atol=1e-5)


def test_float16_needs_a_gpu(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ConfigError, match='needs a GPU: remove it or use --amp bfloat16'):
        prepare_training(short_config(tmp_path), None, 'float16', False)


def test_float16_scales_its_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    config = short_config(tmp_path)
    prepare_training(config, None, 'float16', False)
    chosen = {key: config.optim_wrapper[key] for key in ('type', 'dtype', 'loss_scale')}
    assert chosen == dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')


@pytest.mark.slow
def test_channels_last_changes_the_layout_alone(plain, tmp_path):
    work_dir, expected = plain
    hook = dict(type='ChannelsLastHook')
    found = train(short_config(tmp_path / 'last', hook))
    # Sums in another order, which six steps of the optimiser magnify.
    assert losses(found)[0] == pytest.approx(losses(expected)[0], rel=1e-5)
    assert losses(found) == pytest.approx(losses(expected), rel=1e-2)
    for encoder in (found.model.backbone, found.model.momentum_encoder.module[0]):
        weight = encoder.layer1[0].conv1.weight
        assert weight.is_contiguous(memory_format=torch.channels_last)
        assert not weight.is_contiguous()

    for source, target in (
        (tmp_path / 'last', short_config(tmp_path / 'resumed_plain')),
        (work_dir, short_config(tmp_path / 'resumed_last', hook)),
    ):
        target.load_from, target.resume = str(source / 'epoch_1.pth'), True
        runner = train(target)
        assert losses(runner)[-6:] == pytest.approx(losses(expected)[-6:], rel=1e-2)
        strided = runner.model.backbone.layer1[0].conv1.weight.is_contiguous()
        assert strided == (not target.custom_hooks)


@pytest.mark.slow
def test_channels_last_resumes_bit_for_bit(tmp_path):
    hook = dict(type='ChannelsLastHook')
    whole = train(short_config(tmp_path / 'whole', hook))
    config = short_config(tmp_path / 'resumed', hook)
    config.load_from, config.resume = str(tmp_path / 'whole/epoch_1.pth'), True
    assert_same(whole.model.state_dict(), train(config).model.state_dict())


@pytest.mark.slow
def test_compiled_parts_give_what_they_gave(plain, tmp_path):
    hook = dict(type='CompileHook', backend='aot_eager')
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    runner = train(short_config(tmp_path, hook))
    assert losses(runner) == pytest.approx(losses(plain[1]), rel=1e-3)
    assert runner.model.state_dict().keys() == plain[1].model.state_dict().keys()
    # Encoders in training mode, once each, and the keys of the clustering in eval mode.
    assert torch._dynamo.utils.counters['stats']['unique_graphs'] >= 3


@pytest.mark.slow
def test_a_part_that_is_not_there_is_not_compiled(tmp_path):
    hook = dict(type='CompileHook', parts=['backbone', 'target_net'])
    with pytest.raises(ValueError, match="RCL has no submodule 'target_net'"):
        train(short_config(tmp_path, hook))


def rate(**changes) -> LearningRate:
    settings = dict(configured=0.5, batch_size=32, processes=4, accumulation=2)
    return LearningRate(**dict(settings, base_batch_size=1024, enabled=False) | changes)


def test_line_of_the_learning_rate():
    start = 'Global batch 256 = 32 per process x 4 processes x 2 accumulated; lr 0.5 of the config'
    base = f'{start} is for batch 1024'
    scaled = '0.125 (factor 0.25)'
    assert str(rate()) == f'{base}: not scaled; --auto-scale-lr would make it {scaled}'
    assert str(rate(enabled=True)) == f'{base}: scaled to {scaled}'
    assert str(rate(base_batch_size=256)) == f'{start} is for batch 256'
    assert str(rate(base_batch_size=None)).startswith(
        f'{start}, which has no auto_scale_lr.base_batch_size'
    )


@pytest.mark.slow
@pytest.mark.parametrize(('accumulation', 'factor'), [(1, 0.25), (2, 0.5), (6, 1.5)])
def test_accumulated_gradients_count_in_the_scaling(tmp_path, accumulation, factor):
    config = short_config(tmp_path)
    config.optim_wrapper.accumulative_counts = accumulation
    config.optim_wrapper.paramwise_cfg = dict(custom_keys={'neck': dict(lr_mult=3)})
    config.param_scheduler = []
    prepare_training(config, None, None, True)
    config.auto_scale_lr.base_batch_size = 128
    runner = train(config)
    rates = {round(group['lr'], 9) for group in runner.optim_wrapper.param_groups}
    assert rates == {round(0.05 * factor, 9), round(0.15 * factor, 9)}
    log = next(tmp_path.rglob('*.log')).read_text()
    line = f'Global batch {32 * accumulation} = 32 per process x 1 processes x {accumulation} accum'
    assert log.count(line) == 1
    assert f'scaled to {0.05 * factor:g} (factor {factor:g})' in log
    assert runner.cfg.optim_wrapper.optimizer.lr == 0.05


@pytest.mark.slow
def test_without_scaling_the_learning_rate_stays(plain):
    work_dir, runner = plain
    assert runner.optim_wrapper.param_groups[0]['initial_lr'] == 0.05
    log = next(work_dir.rglob('*.log')).read_text()
    assert 'is for batch 128: not scaled; --auto-scale-lr would make it 0.0125' in log


def test_scaling_needs_a_base(tmp_path):
    config = short_config(tmp_path)
    config.auto_scale_lr = dict(enable=True)
    with pytest.raises(ConfigError, match='needs auto_scale_lr.base_batch_size'):
        build_runner(config, train=True)


@pytest.mark.parametrize(
    'changes',
    [
        dict(model__backbone__norm_cfg=dict(type='mmengine.SyncBN')),
        dict(model__backbone__norm_cfg=dict(type='SyncBN'), default_scope='mmdet'),
        dict(sync_bn='torch'),
    ],
    ids=str,
)
def test_norms_of_torch_are_refused_on_several_cpu_processes(tmp_path, monkeypatch, changes):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for name in ('RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.setenv(name, '1')
    config = tiny_config(tmp_path, **changes)
    config.launcher = 'pytorch'
    with pytest.raises(ConfigError, match='need GPUs'):
        start_processes(config)
    assert not torch.distributed.is_initialized()
    config.launcher = 'none'
    start_processes(config)


def test_a_module_of_ones_own_that_is_not_found(tmp_path):
    config = tmp_path / 'config.py'
    config.write_text("custom_imports = dict(imports=['nowhere_to_be_found'])")
    with pytest.raises(ConfigError, match=r'(?s)nowhere_to_be_found.* must be on PYTHONPATH'):
        read_config(str(config))
