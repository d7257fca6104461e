"""Configs of the semi-supervised methods of Table 2: real runs on digits, and their twins."""

import functools
import itertools
import json
import math
import re
from pathlib import Path

import mmcv
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmrcl.errors import ConfigError
from mmrcl.launch import build_hooks, build_runner
from mmrcl.registry import LOOPS, MODELS

from ..commands import call
from ..runs import train
from ..tiers import check_slow

FOLDER = Path(__file__).parents[2] / 'configs/benchmarks/semisup'
METHODS = {
    'fixmatch': 'SemiSupervisedClassifier',
    'mpl': 'MetaPseudoLabels',
    'pseudolabel': 'SemiSupervisedClassifier',
    'supervised': 'ImageClassifier',
    'uda': 'SemiSupervisedClassifier',
}
SHARES = (1, 10)
CONFIGS = sorted(path for method in METHODS for path in FOLDER.glob(f'{method}_*.py'))
_names = itertools.count()


def only_config(method: str, data: str, share: int) -> Path:
    (path,) = FOLDER.glob(f'{method}_*_{data}-{share}pct.py')
    return path


def labeled(config: Config) -> Config:
    dataset = config.train_dataloader.dataset
    return dataset.get('labeled', dataset)


def at_random(path: Path) -> Config:
    """The config as ``--pretrained random`` makes it."""
    config = Config.fromfile(path)
    config.model.backbone.pop('init_cfg')
    return config


def test_every_method_has_digits_and_a_twin_for_both_shares():
    expected = [
        only_config(method, data, share)
        for method in METHODS
        for data in ('digits', 'in1k')
        for share in SHARES
    ]
    assert sorted(expected) == CONFIGS


def test_a_batch_of_parts_of_groups_is_refused(tmp_path):
    """Or the last batch of an epoch may have no labelled image, and ends the run."""
    config = at_random(only_config('fixmatch', 'digits', 1))
    config.train_dataloader.batch_size = 12
    config.work_dir, config.experiment_name = str(tmp_path), 'parts_of_groups'
    config.launcher = 'none'
    with pytest.raises(ConfigError, match='batch_size=12 must be a multiple of 8, that is 1 '):
        build_runner(config, train=True)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_name_tells_batch_epochs_and_share(path):
    config = Config.fromfile(path)
    ranks, batch, epochs, share = map(
        int, re.search(r'_(\d+)xb(\d+)-\w+-(\d+)e_\w+-(\d+)pct', path.stem).groups()
    )
    assert config.train_dataloader.batch_size == batch
    assert config.auto_scale_lr.base_batch_size == ranks * batch
    assert config.train_cfg.max_epochs == config.param_scheduler[-1].end == epochs
    if 'digits' in path.stem:
        assert labeled(config).fraction == share / 100
    else:
        assert labeled(config).ann_file == f'meta/train_{share}pct.txt'
    if config.model.type != 'ImageClassifier':
        assert batch % (1 + config.train_dataloader.sampler.unlabeled_per_labeled) == 0
        assert 'ann_file' not in config.train_dataloader.dataset.unlabeled


@pytest.mark.parametrize('share', SHARES)
def test_methods_take_the_same_steps_on_digits(share):
    rates, steps = set(), set()
    for method in METHODS:
        config = Config.fromfile(only_config(method, 'digits', share))
        optimizer = config.optim_wrapper.optimizer
        rates.add((optimizer.type, optimizer.lr, optimizer.weight_decay))
        images = {1: 10, 10: 143}[share] if method == 'supervised' else 1442 // 7 * 8
        steps.add(images // config.train_dataloader.batch_size * config.train_cfg.max_epochs)
    assert len(rates) == 1
    assert steps == {300}


def two_epochs(method: str, work_dir: Path, share: int = 1) -> Config:
    """The digits config cut down to two epochs, of four steps each if there are 126 images."""
    config = at_random(only_config(method, 'digits', share))
    if method != 'supervised':
        config.train_dataloader.batch_size = 32
        config.train_dataloader.dataset.unlabeled.indices = 126
    config.train_cfg.max_epochs = config.train_cfg.val_interval = 2
    config.param_scheduler[0].end = config.param_scheduler[0].T_max = 2
    config.default_hooks.logger.interval = config.default_hooks.checkpoint.interval = 1
    config.work_dir = str(work_dir)
    config.experiment_name = f'semisup_{next(_names)}'
    config.launcher = 'none'
    return config


@pytest.fixture(scope='module')
def run_of(tmp_path_factory):
    """Trains a method once, however many tests ask: its folder and runner."""

    @functools.cache
    def run(method: str) -> tuple[Path, Runner]:
        work_dir = tmp_path_factory.mktemp(method)
        runner = build_runner(two_epochs(method, work_dir), train=True)
        runner.train()
        check_slow('trains')
        return work_dir, runner

    return run


def logged(work_dir: Path) -> list[dict]:
    path = min(work_dir.rglob('scalars.json'))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize('method', METHODS)
def test_two_epochs_on_digits(method, run_of):
    work_dir, runner = run_of(method)
    assert type(runner.model).__name__ == METHODS[method]
    assert runner.iter == (2 if method == 'supervised' else 8)
    rows = logged(work_dir)
    losses = [row['loss'] for row in rows if 'loss' in row]
    assert len(losses) == len(set(losses)) == runner.iter
    assert all(math.isfinite(loss) for loss in losses)
    assert 0 < rows[-1]['accuracy/top1'] <= rows[-1]['accuracy/top5'] <= 100
    if method != 'supervised':
        row = rows[0]
        parts = [value for name, value in row.items() if name.startswith('loss_')]
        assert row['loss'] == pytest.approx(sum(parts))
        assert 0 <= row['kept'] <= 1


@pytest.mark.slow
@pytest.mark.parametrize('method', ['fixmatch', 'mpl'])
def test_resumed_run_ends_like_the_run_without_a_stop(method, run_of, tmp_path):
    work_dir, runner = run_of(method)
    config = two_epochs(method, tmp_path)
    config.merge_from_dict(dict(load_from=str(work_dir / 'epoch_1.pth'), resume=True))
    found = train(config).model.state_dict()
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, found[name]), name
    # The average of the weights too, which is what is tested.
    ends = [
        torch.load(folder / 'epoch_2.pth', weights_only=False) for folder in (work_dir, tmp_path)
    ]
    for part in ('state_dict', 'ema_state_dict'):
        for name, value in ends[0][part].items():
            assert torch.equal(value, ends[1][part][name]), name


@pytest.mark.slow
@pytest.mark.parametrize('method', ['fixmatch', 'mpl'])
def test_the_average_is_scored_by_the_test_tool(method, run_of, tmp_path):
    work_dir, runner = run_of(method)
    checkpoint = torch.load(work_dir / 'epoch_2.pth', weights_only=False)['state_dict']
    weight = dict(runner.model.named_parameters())['head.fc.weight']
    assert not weight.equal(checkpoint['head.fc.weight'])
    path = only_config(method, 'digits', 1)
    done = call('test.py', path, work_dir / 'epoch_2.pth', '--work-dir', tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = re.findall(r'accuracy/top1: +([\d.]+)', done.stdout + done.stderr)
    assert float(found) == pytest.approx(logged(work_dir)[-1]['accuracy/top1'], abs=1e-4)


@pytest.mark.parametrize(('fraction', 'message'), [(0, 'fraction must lie in'), (-1, 'fraction')])
def test_no_labels_are_refused_before_the_training(fraction, message, tmp_path):
    config = two_epochs('fixmatch', tmp_path)
    config.train_dataloader.dataset.labeled.fraction = fraction
    with pytest.raises(ConfigError, match=message):
        build_runner(config, train=True)


def test_a_class_without_label_is_refused_before_the_training(tmp_path):
    config = two_epochs('fixmatch', tmp_path)
    config.train_dataloader.dataset.labeled.dataset.indices = 4
    with pytest.raises(ConfigError, match=r'class 4 \(4\) has no labelled image: raise'):
        build_runner(config, train=True)


@pytest.mark.parametrize('method', METHODS)
def test_imagenet_twin_builds(method, tmp_path):
    small, large = (at_random(only_config(method, data, 10)) for data in ('digits', 'in1k'))
    assert large.model.type == small.model.type == METHODS[method]
    assert set(large.default_hooks) == set(small.default_hooks)
    assert build_hooks(large)
    assert LOOPS.get(large.test_cfg.type)
    mmcv.imwrite(
        np.random.default_rng(0).integers(256, size=(300, 400, 3), dtype=np.uint8),
        str(tmp_path / 'photo.png'),
    )
    known = dict(img_path=str(tmp_path / 'photo.png'), sample_idx=3, gt_label=7)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(large.model, data_preprocessor=large.data_preprocessor))
        groups = build_optim_wrapper(model, large.optim_wrapper).optimizer.param_groups
        packed = Compose(labeled(large).pipeline)(known)
    views = packed['inputs'] if isinstance(packed['inputs'], list) else [packed['inputs']]
    assert len(views) == (1 if method in ('pseudolabel', 'supervised') else 2)
    assert all(view.shape == (3, 224, 224) for view in views)
    assert int(packed['data_samples'].gt_label) == 7
    networks = 2 if method == 'mpl' else 1
    assert sum(each.numel() for each in model.parameters()) == networks * 25_557_032
    rate = {id(p): group['lr'] for group in groups for p in group['params']}
    for name, each in model.named_parameters():
        factor = 1.5 if name.startswith('teacher.') else 1
        assert rate[id(each)] == pytest.approx(factor * large.optim_wrapper.optimizer.lr)
