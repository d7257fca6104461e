"""Every baseline trains on digits, and its ImageNet twin builds."""

import functools
import itertools
import json
import math
import re
import sys
from pathlib import Path

import mmcv
import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from mmrcl.engine import differences, settings_of
from mmrcl.errors import ConfigError
from mmrcl.launch import build_hooks, build_runner, hooks_of
from mmrcl.registry import LOOPS, MODELS

from .runs import train
from .tiers import check_slow

FOLDER = Path(__file__).parents[1] / 'configs/baselines'
METHODS = {
    'adco': 'AdCo',
    'barlowtwins': 'BarlowTwins',
    'byol': 'BYOL',
    'cmc': 'CMC',
    'cpcv2': 'CPC',
    'deepcluster': 'ClusterClassifier',
    'infomin': 'MoCo',
    'instdisc': 'InstDisc',
    'localagg': 'LocalAgg',
    'mocov2': 'MoCo',
    'mocov3': 'MoCoV3',
    'msf': 'MSF',
    'msf-plain': 'MSF',
    'nnclr': 'NNCLR',
    'odc': 'ODC',
    'pcl': 'PCL',
    'pirl': 'PIRL',
    'selflabel': 'ClusterClassifier',
    'simclr': 'SimCLR',
    'simsiam': 'SimSiam',
    'swav': 'SwAV',
    'swav-single': 'SwAV',
}
# These train on clusters of single views.
CLUSTERED = ('deepcluster', 'localagg', 'odc', 'selflabel')
# Sizes of the views on ImageNet; the others have two of 224 pixels.
SIZES = {
    **{method: [224] for method in ('cmc', 'instdisc', *CLUSTERED)},
    'cpcv2': [80] * 36,
    'swav': [224, 224] + [96] * 6,
}
# Settings of RCL, each with other data sets beside.
RCL_WITHOUT = {'instance-discrimination', 'nnclr-positive'}
WITH_KMEANS = ('deepcluster', 'localagg', 'odc', 'pcl')
pytestmark = pytest.mark.baselines
_names = itertools.count()


def methods_of(suffix: str, folder: Path = FOLDER) -> set[str]:
    return {path.stem.split('_')[0] for path in folder.glob(f'*_{suffix}.py')}


def epochs_of(path: Path) -> int:
    return int(re.search(r'-(\d+)e_', path.stem)[1])


def only_config(method: str, suffix: str) -> Path:
    """The shortest training, of which there may be longer ones."""
    paths = sorted(FOLDER.glob(f'{method}_*_{suffix}.py'), key=epochs_of)
    assert len({epochs_of(path) for path in paths}) == len(paths)
    return paths[0]


def longer(suffix: str) -> list[Path]:
    shortest = {only_config(method, suffix) for method in methods_of(suffix)}
    return sorted(set(FOLDER.glob(f'*_{suffix}.py')) - shortest)


def skip_without_kmeans(method: str) -> None:
    if method in WITH_KMEANS and sys.version_info < (3, 11):
        pytest.skip('pt_kmeans needs Python 3.11 or newer')


def without_twin(folder: Path) -> set[str]:
    return methods_of('digits', folder) ^ methods_of('in1k', folder)


def test_every_baseline_has_a_twin():
    assert methods_of('digits') == set(METHODS) | RCL_WITHOUT
    assert not without_twin(FOLDER)


def test_a_bank_that_is_too_short_is_noticed_before_the_training(tmp_path):
    config = two_epochs('instdisc', tmp_path)
    config.model.bank.length = 127
    with pytest.raises(ConfigError, match='bank.length=127 is too short .* model.bank.length=128'):
        build_runner(config, train=True)


@pytest.mark.parametrize(('length', 'warnings'), [(128, 0), (129, 1)])
def test_a_bank_that_is_too_long_is_warned_of_once(length, warnings, tmp_path):
    config = two_epochs('cmc', tmp_path)  # with two banks
    config.model.bank.length = length
    build_runner(config, train=True)
    (log,) = tmp_path.rglob('*.log')
    assert log.read_text().count('Set model.bank.length=128') == warnings


def test_a_bank_of_images_that_are_repeated_is_refused(tmp_path):
    config = two_epochs('pirl', tmp_path)
    config.train_dataloader.dataset = dict(
        type='RepeatDataset', times=2, dataset=config.train_dataloader.dataset
    )
    with pytest.raises(ConfigError, match='last of 256 training images has sample_idx=127, not'):
        build_runner(config, train=True)


def test_a_missing_twin_is_noticed(tmp_path):
    for path in FOLDER.glob('*.py'):
        if not path.stem.startswith('msf_resnet50'):
            (tmp_path / path.name).touch()
    assert without_twin(tmp_path) == {'msf'}


def two_epochs(method: str, work_dir: Path) -> Config:
    """The digits config cut down to 128 images, two epochs of four iterations."""
    config = Config.fromfile(only_config(method, 'digits'))
    config.train_dataloader.batch_size = 32
    config.train_dataloader.dataset.indices = 128
    config.train_cfg.max_epochs = 2
    warmup, cosine = config.param_scheduler
    warmup.end = cosine.begin = cosine.T_max = 1
    cosine.end = 2
    config.default_hooks.logger.interval = config.default_hooks.checkpoint.interval = 1
    for hook in hooks_of(config):
        if hook.type == 'HierarchicalClusteringHook':
            hook.warmup_epochs = min(hook.warmup_epochs, 1)
            if 'recluster_interval' in hook:
                hook.recluster_interval = 1
            hook.dataloader.dataset.indices = 128
        if hook.type == 'ClassifierResetHook':
            hook.interval = 1
        if hook.type == 'KNNHook':
            hook.train_dataloader.dataset.indices = hook.test_dataloader.dataset.indices = 64
        if hook.type == 'SwAVHook':
            hook.batch_size = 32
            hook.frozen_layers_cfg = dict(prototypes=4)
    if method == 'odc':  # few enough clusters that small ones are dissolved, and large ones split
        config.model.head.num_classes = config.model.hierarchy.num_classes = 12
        config.default_hooks.clustering.source.num_clusters = [12]
    config.work_dir = str(work_dir)
    config.experiment_name = f'baseline_{next(_names)}'
    config.launcher = 'none'
    return config


def logged(work_dir: Path) -> list[dict]:
    (path,) = work_dir.rglob('scalars.json')
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(scope='module')
def run_of(tmp_path_factory):
    """Trains a method once, however many tests ask: its folder, runner and first weights."""

    @functools.cache
    def run(method: str) -> tuple[Path, Runner, dict[str, torch.Tensor]]:
        work_dir = tmp_path_factory.mktemp(method)
        runner = build_runner(two_epochs(method, work_dir), train=True)
        before = {name: part.clone() for name, part in runner.model.named_parameters()}
        runner.train()
        check_slow('trains')
        return work_dir, runner, before

    return run


@pytest.mark.slow
@pytest.mark.parametrize('method', METHODS)
def test_two_epochs_on_digits(method, run_of):
    skip_without_kmeans(method)
    work_dir, runner, before = run_of(method)
    assert type(runner.model).__name__ == METHODS[method]
    assert runner.iter == 8
    rows = logged(work_dir)
    losses = [row['loss'] for row in rows if 'loss' in row]
    assert len(losses) == 8
    assert all(math.isfinite(loss) for loss in losses)
    assert len(set(losses)) == 8
    assert 0 <= rows[-1]['knn/top1'] <= 1
    assert any('prototype_loss' in row for row in rows) == (method == 'pcl')

    state = torch.load(work_dir / 'epoch_2.pth', weights_only=False)['state_dict']
    for name, part in runner.model.named_parameters():
        assert torch.equal(part, state[name])
    # Not biases: one before a norm gets no gradient.
    still = [name for name in before if name.endswith('weight') and before[name].equal(state[name])]
    assert not still


@pytest.mark.slow
@pytest.mark.parametrize(
    'method',
    [
        'adco',
        'cmc',
        'cpcv2',
        'infomin',
        'instdisc',
        'msf',
        'nnclr',
        'pcl',
        'pirl',
        'simsiam',
        *CLUSTERED,
    ],
)
def test_resumed_run_ends_like_the_run_without_a_stop(method, run_of, tmp_path):
    skip_without_kmeans(method)
    work_dir, runner, _ = run_of(method)
    config = two_epochs(method, tmp_path)
    config.merge_from_dict(dict(load_from=str(work_dir / 'epoch_1.pth'), resume=True))
    found = train(config).model.state_dict()
    for name, value in runner.model.state_dict().items():
        assert torch.equal(value, found[name]), name


# Beside the schedule.
OF_LONGER = {
    'byol': {'model.base_momentum', 'optim_wrapper.optimizer.lr'},
    'mocov3': {'model.base_momentum'},
}
DECAY = 'optim_wrapper.optimizer.weight_decay'


@pytest.mark.parametrize('path', longer('in1k'), ids=lambda path: path.stem)
def test_longer_training_differs_in_its_schedule(path):
    method = path.stem.split('_')[0]
    configs = [Config.fromfile(each) for each in (only_config(method, 'in1k'), path)]
    lines = differences(*map(settings_of, configs))
    changed = {line.split(' ')[0] for line in lines}
    assert {key for key in changed if not key.startswith(('param_scheduler.', 'train_cfg.'))} == (
        OF_LONGER[method] | {DECAY} if method in OF_LONGER else set()
    )
    assert epochs_of(path) >= 800


class Rates(Hook):
    """Learning rates of each iteration, of the groups that are fixed and of the others."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.seen: dict[bool, list[set[float]]] = {True: [], False: []}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for fixed, seen in self.seen.items():
            groups = runner.optim_wrapper.param_groups
            seen.append({group['lr'] for group in groups if group.get('fix_lr', False) == fixed})


@pytest.mark.slow
def test_predictor_of_simsiam_keeps_its_rate(tmp_path):
    rates = Rates()
    train(two_epochs('simsiam', tmp_path), rates)
    assert rates.seen[True] == [{2e-2}] * 8
    assert len(set().union(*rates.seen[False])) > 4


def views_of(model, packed: dict) -> list[torch.Tensor]:
    """Return the views of one packed image, as the preprocessor makes them."""
    inputs = packed['inputs']
    packed['data_samples'].set_metainfo(dict(view_key=(0, 0, 3)))
    batch = dict(
        inputs=inputs[None] if torch.is_tensor(inputs) else [view[None] for view in inputs],
        data_samples=[packed['data_samples']],
    )
    return [view[0] for view in model.data_preprocessor(batch, True)['inputs']]


@pytest.mark.parametrize('method', METHODS)
def test_imagenet_twin_builds(method, tmp_path):
    skip_without_kmeans(method)
    small, large = (Config.fromfile(only_config(method, name)) for name in ('digits', 'in1k'))
    assert large.model.type == small.model.type == METHODS[method]
    kinds = [
        {hook['type'] for hook in hooks_of(config)} - {'KNNHook', 'ChannelsLastHook'}
        for config in (small, large)
    ]
    assert kinds[0] == kinds[1]
    assert build_hooks(large) and LOOPS.get(large.test_cfg.type)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(large.model, data_preprocessor=large.data_preprocessor))
        groups = build_optim_wrapper(model, large.optim_wrapper).optimizer.param_groups
        image = np.random.default_rng(0).integers(256, size=(300, 400, 3), dtype=np.uint8)
        pipeline = Compose(large.train_dataloader.dataset.pipeline)
        mmcv.imwrite(image, str(tmp_path / 'photo.png'))
        known = dict(img_path=str(tmp_path / 'photo.png'), sample_idx=3, view_key=(0, 0, 3))
        packed = pipeline(known)
        assert Compose(large.test_dataloader.dataset.pipeline)
    views, sizes = views_of(model, packed), SIZES.get(method, [224, 224])
    shapes = [(3, size, size) for size in sizes]
    if method == 'pirl':
        shapes[1] = (3, 9 * 64, 64)  # patches, one below another
    assert [view.shape for view in views] == shapes
    assert packed['data_samples'].sample_idx == 3
    assert len({view.float().var().item() for view in views}) == len(views)
    trained = {name: part for name, part in model.named_parameters() if part.requires_grad}
    fewest = 47_000_000 if method == 'cmc' else 23_500_000  # two encoders
    assert sum(part.numel() for part in trained.values()) > fewest
    # SwAV's paper adapts the rate of all parameters.
    if large.optim_wrapper.optimizer.type == 'LARS' and not method.startswith('swav'):
        excluded = {id(group['params'][0]) for group in groups if group.get('lars_exclude')}
        for name, part in trained.items():
            assert (id(part) in excluded) == (part.ndim == 1), name
