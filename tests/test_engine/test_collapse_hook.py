import json
import logging
import socket
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from torch import nn

from mmrcl.engine import CollapseHook
from mmrcl.engine.hooks.collapse_hook import Spread
from mmrcl.errors import TrainingError
from mmrcl.evaluation import effective_rank, mean_deviation
from mmrcl.launch import build_runner

from ..runs import tiny_config, train, without_hooks
from .test_training import assert_same


class ZeroProjector(Hook):
    """Collapses the encoder: every image gets the same projection."""

    def after_train_iter(self, runner, **_) -> None:
        for parameter in runner.model.neck.parameters():
            parameter.data.zero_()


def watched_config(work_dir, **settings):
    config = tiny_config(work_dir)
    loader = config.default_hooks.clustering.dataloader
    hook = dict(type='CollapseHook', dataloader=loader, num_samples=100, **settings)
    config.default_hooks.collapse = hook
    return without_hooks(config, 'knn', 'pair_monitor', 'hierarchy_monitor')


def rows(work_dir):
    for path in work_dir.rglob('scalars.json'):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            if 'collapse/deviation' in row:
                yield row


def log(work_dir) -> str:
    return next(work_dir.rglob('*.log')).read_text()


@pytest.mark.slow
def test_a_run_with_the_hook_ends_like_one_without(tmp_path):
    watched, plain = watched_config(tmp_path / 'with'), tiny_config(tmp_path / 'without')
    without_hooks(plain)
    # It would hide random numbers that the hook drew.
    for config in (watched, plain):
        config.default_hooks.pop('epoch_seed')
        config.train_cfg.max_epochs = 3
    watched, drawn = train(watched), (torch.get_rng_state(), np.random.get_state()[1].tolist())
    plain = train(plain)
    assert_same(plain.model.state_dict(), watched.model.state_dict())
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert np.random.get_state()[1].tolist() == drawn[1]
    assert watched.model.training and watched.model.momentum_encoder.training


@pytest.mark.slow
def test_a_healthy_run_is_measured_and_raises_no_alarm(tmp_path):
    train(watched_config(tmp_path, interval=2, action='stop', min_deviation=0.05, min_rank=1.5))
    assert [row['epoch'] for row in rows(tmp_path)] == [0, 2, 4]
    for row in rows(tmp_path):
        assert 0 < row['collapse/deviation'] <= 1
        assert 1 < row['collapse/effective_rank'] <= 16
    assert 'has collapsed' not in log(tmp_path)


@pytest.mark.slow
def test_a_collapsed_encoder_is_warned_of(tmp_path):
    runner = train(watched_config(tmp_path), ZeroProjector())
    last = list(rows(tmp_path))[-1]
    assert last['collapse/deviation'] == pytest.approx(0, abs=1e-6)
    assert last['collapse/effective_rank'] == pytest.approx(1, abs=1e-3)
    assert runner.epoch == 4
    for part in ('deviation 0.000 (min_deviation=', 'rank 1.00 (min_rank=', 'lower learning rate'):
        assert part in log(tmp_path)


@pytest.mark.slow
def test_a_collapsed_encoder_stops_the_run(tmp_path):
    runner = build_runner(watched_config(tmp_path, action='stop', interval=2), train=True)
    runner.register_hook(ZeroProjector())
    with pytest.raises(TrainingError, match='after epoch 2: its projections have deviation 0.000'):
        runner.train()
    assert runner.epoch == 1


def test_each_threshold_alarms_alone_and_nan_does_too(tmp_path):
    runner = SimpleNamespace(logger=logging.getLogger('collapse'), epoch=0)
    runner.visualizer = SimpleNamespace(add_scalars=lambda *_, **__: None)
    runner.model, runner.iter = nn.Identity(), 0
    settings = dict(min_deviation=0.5, min_rank=5, action='stop')
    hook = CollapseHook(tiny_config(tmp_path).default_hooks.collapse.dataloader, **settings)
    nan = float('nan')
    for found in [Spread(0.4, 9), Spread(0.9, 4), Spread(nan, nan), Spread(0.5, nan)]:
        hook.measure = lambda model, found=found: found
        with pytest.raises(TrainingError):
            hook.after_train_epoch(runner)
    hook.measure = lambda model: Spread(0.5, 5)
    hook.after_train_epoch(runner)


def test_only_the_sample_is_loaded(tmp_path):
    runner = build_runner(watched_config(tmp_path), train=True)
    hook = next(hook for hook in runner.hooks if isinstance(hook, CollapseHook))
    loader = runner.build_dataloader(hook.dataloader_cfg)
    found = [sample.sample_idx for batch in loader for sample in batch['data_samples']]
    assert found == [i * 192 // 100 for i in range(100)]


WRONG = {
    'action': (dict(action='beep'), "action='beep' of CollapseHook is unknown"),
    'deviation': (dict(min_deviation=-0.1), 'min_deviation=-0.1 of CollapseHook must lie in'),
    'too high': (dict(min_deviation=1.5), 'min_deviation=1.5 of CollapseHook must lie in'),
    'rank': (dict(min_rank=-1), 'min_rank=-1 of CollapseHook must not be negative'),
    'interval': (dict(interval=0), 'interval=0 of CollapseHook must be at least 1 epoch'),
    'samples': (dict(num_samples=1), 'num_samples=1 of CollapseHook must be at least 2'),
}


@pytest.mark.parametrize('case', WRONG)
def test_wrong_settings(case):
    settings, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        CollapseHook(dict(), **settings)


@pytest.mark.parametrize(
    ('neck', 'message'),
    [
        (None, 'Lame lacks a backbone or a neck'),
        (nn.Identity(), r'Lame returns \(100, 1, 16, 16\)'),
    ],
)
def test_a_model_without_projections_is_refused(tmp_path, neck, message):
    class Lame(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.neck = nn.Identity(), neck

        def data_preprocessor(self, batch, training):
            return dict(batch, inputs=batch['inputs'].float())

    config = watched_config(tmp_path).default_hooks.collapse
    config.pop('type')
    runner = SimpleNamespace(model=Lame(), build_dataloader=Runner.build_dataloader, iter=0, seed=0)
    with pytest.raises(ValueError, match=message):
        CollapseHook(**config).before_train(runner)


class Halves(nn.Module):
    """Rank 0 projects every image to the same vector, the others spread them."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.backbone, self.neck = nn.Flatten(), nn.Linear(256, 8)
        if rank == 0:
            self.neck.weight.data.zero_()

    def data_preprocessor(self, batch, training):
        return dict(inputs=torch.stack(list(batch['inputs'])).float())


def one_rank(rank: int, port: int, config) -> None:
    torch.set_num_threads(1)
    dist.init_process_group('gloo', f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    hook = CollapseHook(**config)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        hook.dataloader = Runner.build_dataloader(hook.dataloader_cfg)
    model = Halves(rank)
    batches = [model.data_preprocessor(batch, False)['inputs'] for batch in hook.dataloader]
    shards = [torch.empty(50, 8) for _ in range(2)]
    dist.all_gather(shards, model.neck(model.backbone(torch.cat(batches))).detach())
    whole = torch.cat(shards)
    found = hook.measure(model)
    assert found == Spread(mean_deviation(whole), effective_rank(whole))
    # Whatever else a rank may find, rank 0 decides.
    hook.measure.__func__.__globals__['mean_deviation'] = lambda features: float(rank)
    assert hook.measure(model).deviation == 0
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_measure_all_images_and_agree(tmp_path):
    config = watched_config(tmp_path).default_hooks.collapse
    config.pop('type')
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    mp.spawn(one_rank, (port, config), nprocs=2)
