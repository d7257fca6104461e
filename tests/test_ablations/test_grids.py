"""Every shipped grid, without data."""

import itertools
from dataclasses import replace
from pathlib import Path

import mmcv
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose, default_collate
from mmengine.registry import DefaultScope

from mmrcl.ablations import runs as ablation
from mmrcl.ablations.grids import read_grid
from mmrcl.ablations.runs import plan_runs
from mmrcl.ablations.search import search_grid
from mmrcl.engine import differences, settings_of
from mmrcl.launch import read_config
from mmrcl.registry import MODELS

from ..runs import tiny_config

FOLDER = Path(__file__).parents[2] / 'configs/ablations'
GRIDS = sorted(FOLDER.glob('*.py'))
SHAPES = {'in1k': (300, 400, 3), 'fashion-mnist': (28, 28), 'glyphs': (32, 32), 'digits': (16, 16)}
every_grid = pytest.mark.parametrize(
    'path',
    [pytest.param(path, marks=[pytest.mark.slow] * ('in1k' in path.stem)) for path in GRIDS],
    ids=lambda path: path.stem,
)
ITEMS = ('table3', 'table4', 'fig5a', 'fig5b', 'fig5c')


def test_each_table_and_figure_has_a_grid_for_both_data_sets():
    names = {path.stem for path in GRIDS}
    assert names >= {f'{item}_{data}' for item in ITEMS for data in ('in1k', 'fashion-mnist')}


@pytest.mark.parametrize('data', ['digits', 'fashion-mnist'])
def test_the_table_of_methods_has_every_baseline_and_rcl(data):
    found = {arm.config.resolve() for arm in read_grid(FOLDER / f'methods_{data}.py').arms}
    baselines = set(FOLDER.parent.glob('baselines/*_digits.py'))
    assert found == baselines | set(FOLDER.parent.glob('rcl/*_resnet18_*_digits.py'))


@pytest.mark.parametrize('data', ['digits', 'fashion-mnist'])
def test_methods_share_images_batch_epochs_and_optimiser_in_the_search(data, tmp_path):
    grid = read_grid(FOLDER / f'methods_{data}.py')
    one = dict(list(grid.search.settings.items())[:1])
    trials = search_grid(replace(grid, search=replace(grid.search, settings=one)))
    runs = plan_runs(trials, tmp_path, {})
    assert len(runs) == len(grid.arms)
    for config in (run.config for run in runs):
        loaders = config.train_dataloader, config.test_cfg.train_dataloader, config.test_dataloader
        assert [loader.dataset.rest for loader in loaders] == [True, True, False]
        (images,) = {repr(images_of(loader.dataset.dataset)) for loader in loaders}
        assert images == repr(images_of(runs[0].config.train_dataloader.dataset.dataset))
        assert config.train_dataloader.batch_size == 128
        assert config.train_cfg.max_epochs == 30
        assert config.param_scheduler == runs[0].config.param_scheduler
        assert config.optim_wrapper.optimizer == runs[0].config.optim_wrapper.optimizer


@pytest.mark.slow
@pytest.mark.parametrize(('data', 'size'), [('digits', 16), ('fashion-mnist', 28)])
def test_necks_of_the_methods_fit_their_backbones(data, size, tmp_path):
    for run in plan_runs(read_grid(FOLDER / f'methods_{data}.py'), tmp_path, {}):
        if run.seed:
            continue
        with DefaultScope.overwrite_default_scope('mmrcl'):
            model = MODELS.build(dict(run.config.model, data_preprocessor=None))
        images = torch.zeros(4, 1, size, size)
        if run.arm.name == 'cmc':
            pairs = zip(model.necks, model.backbone.encode_halves(images), strict=True)
        else:
            pairs = [(model.neck, model.backbone(images)[-1])]
        for neck, maps in pairs:
            # SwAV's takes the output of the backbone for each size of views.
            neck([(maps,)] if run.arm.name.startswith('swav') else (maps,))


def images_of(dataset) -> list:
    return sorted((key, value) for key, value in dataset.items() if key != 'pipeline')


def test_the_predictor_of_simsiam_has_the_rate_of_the_search(tmp_path):
    grid = read_grid(FOLDER / 'methods_digits.py')
    trials = search_grid(replace(grid, arms=(grid.arm('simsiam'),)))
    configs = [run.config for run in plan_runs(trials, tmp_path, {})]
    rates = [config.optim_wrapper.optimizer.lr for config in configs]
    assert rates == [2e-3, 6e-3, 2e-2]
    assert [hook.lr for config in configs for hook in config.custom_hooks] == rates
    plain = dict(read_config(str(grid.arm('simsiam').config)).custom_hooks.pop(), lr=None)
    assert all(dict(*config.custom_hooks, lr=None) == plain for config in configs)


@every_grid
def test_arms_of_a_shipped_grid_build_and_differ(path, tmp_path, monkeypatch):
    # The data is for those who have it.
    monkeypatch.setattr(ablation, 'check_paths', lambda config, sections: None)
    grid = read_grid(path)
    runs = plan_runs(grid, tmp_path, {})
    assert len({repr(settings_of(run.config)) for run in runs}) == len(runs)
    for run in runs[: len(grid.arms)]:
        ablation.check_run(grid, run)
        assert run.config.param_scheduler[-1].end == run.epochs
        hierarchy = run.config.model.get('hierarchy')
        if hierarchy is not None and run.config.model.type == 'RCL':
            check_levels(run.config.default_hooks.clustering, hierarchy.num_levels)


def check_levels(hook, num_levels: int) -> None:
    """Source and refiner are set for levels 2 to H."""
    source = hook.source
    sizes = source.get('mean_sizes') if source.get('eps', 'auto') == 'auto' else source.eps
    sizes = sizes or source.get('num_clusters') or [0] * (source.get('num_levels', 0) - 1)
    assert len(sizes) == num_levels - 1
    if hook.get('refiner') is not None:
        assert len(hook.refiner.get('neighbors', (4, 20))) == num_levels - 1


@every_grid
def test_views_of_every_arm_fit_the_images(path, tmp_path):
    """A grey image without a channel is not for every transform."""
    shape = SHAPES[path.stem.split('_')[-1]]
    image = np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)
    file = tmp_path / 'image.png'
    mmcv.imwrite(image, str(file))
    arms = [run.config for run in plan_runs(read_grid(path), tmp_path, {})]
    chosen = {
        repr((arm.train_dataloader.dataset.pipeline, arm.data_preprocessor)): arm for arm in arms
    }
    for arm in chosen.values():
        with DefaultScope.overwrite_default_scope('mmrcl'):
            pipeline = Compose(arm.train_dataloader.dataset.pipeline)
            views = MODELS.build(arm.data_preprocessor)
        items = []
        for key in [(0, 0, number) for number in range(10)]:  # most change a part of the images
            known = dict(img_path=str(file), sample_idx=key[2], view_key=key)
            items.append(pipeline(dict(img=image, **known)))
            items[-1]['data_samples'].set_metainfo(dict(view_key=key))
        found = views(default_collate(items), True)['inputs']
        assert len(found) == len(arm.data_preprocessor.get('views', found))
        for first, second in itertools.pairwise(found):
            assert first.shape != second.shape or not torch.equal(first, second)


def test_settings_that_decide_nothing_do_not_count(tmp_path):
    before = settings_of(tiny_config(tmp_path))
    for changes in (
        dict(train_dataloader__num_workers=2, test_cfg__seeds=[7], load_from='elsewhere'),
        dict(default_hooks__knn__interval=1, default_hooks__checkpoint__interval=3),
    ):
        assert settings_of(tiny_config(tmp_path, **changes)) == before


def test_a_difference_names_both_values(tmp_path):
    before = settings_of(tiny_config(tmp_path))
    after = settings_of(tiny_config(tmp_path, model__queue__length=7, randomness__seed=3))
    assert differences(before, after) == [
        'model.queue.length was 96 and is 7',
        'randomness.seed was 0 and is 3',
    ]
    fewer = tiny_config(tmp_path)
    fewer.default_hooks.clustering.refiner = None
    assert differences(before, settings_of(fewer)) == [
        'default_hooks.clustering.refiner was not set and is None',
        'default_hooks.clustering.refiner.type was HierarchyRefiner and is not set',
    ]


def test_a_tuple_is_a_list(tmp_path):
    one, other = (tiny_config(tmp_path, model__backbone__strides=s) for s in ((1, 2), [1, 2]))
    assert settings_of(one) == settings_of(other)
