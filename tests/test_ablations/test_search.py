"""Search of settings: what is trained, what is held out, and what is chosen."""

import csv

import numpy as np
import pytest

from mmrcl.ablations.comparison import ArmResult, RunResult
from mmrcl.ablations.grids import read_grid
from mmrcl.ablations.runs import plan_runs
from mmrcl.ablations.search import choose_settings, search_grid, write_choices_csv
from mmrcl.errors import ConfigError
from mmrcl.registry import DATASETS, own_scope

from ..runs import CONFIG

RATE = 'optim_wrapper.optimizer.lr'
GRID = f"""
config = {str(CONFIG)!r}
seeds = [0, 1]
label_draws = 2
search = dict(settings={{'usual': {{}}, 'fast': {{{RATE!r}: 6e-3}}}})
arms = dict(
    rcl=dict(title='RCL', options={{'model.queue.length': 64, {RATE!r}: 1e-3}}),
    own=dict(search=dict(fast={{{RATE!r}: 5e-3, 'model.base_momentum': 0.1}})),
)
"""


def grid_of(tmp_path, **changes: str):
    path = tmp_path / 'grid.py'
    path.write_text(GRID + ''.join(f'{key} = {value}\n' for key, value in changes.items()))
    return read_grid(path)


def result(**right: int) -> ArmResult:
    """Of 100 images so many are right by kNN with a share of the labels."""
    correct = {
        ('knn', int(share[1:])): np.arange(100)[None] < count for share, count in right.items()
    }
    return ArmResult('one', runs={1000: RunResult(correct, 1, {})} if right else {})


def test_every_arm_is_trained_with_every_setting(tmp_path):
    trials = search_grid(grid_of(tmp_path))
    assert (trials.name, trials.seeds, trials.held_out) == ('grid-search', [1000], 0.2)
    runs = {run.arm.name: run for run in plan_runs(trials, tmp_path, {})}
    rates = {name: run.config.optim_wrapper.optimizer.lr for name, run in runs.items()}
    assert rates == {'rcl+usual': 1e-3, 'rcl+fast': 6e-3, 'own+usual': 2e-3, 'own+fast': 5e-3}
    assert runs['rcl+fast'].config.model.queue.length == 64
    assert runs['own+fast'].config.model.base_momentum == 0.1
    assert {tuple(run.config.test_cfg.metrics) for run in runs.values()} == {('knn',)}
    assert {run.config.randomness.seed for run in runs.values()} == {1000}
    assert runs['rcl+fast'].folder == tmp_path / 'grid-search/rcl+fast/seed_1000'


def images(dataset) -> list[bytes]:
    return [dataset.get_data_info(i)['img'].tobytes() for i in range(len(dataset))]


def test_a_fifth_of_the_training_images_is_scored_and_not_trained_on(tmp_path):
    grid = grid_of(tmp_path)
    whole, part = (plan_runs(each, tmp_path, {})[0].config for each in (grid, search_grid(grid)))
    knn = part.default_hooks.knn
    loaders = dict(
        trained=part.train_dataloader,
        clustered=part.default_hooks.clustering.dataloader,
        collapse=part.default_hooks.collapse.dataloader,
        gallery=part.test_cfg.train_dataloader,
        gallery_of_hook=knn.train_dataloader,
        scored=part.test_dataloader,
        scored_by_hook=knn.test_dataloader,
        all=whole.train_dataloader,
    )
    with own_scope():
        sets = {name: DATASETS.build(loader.dataset) for name, loader in loaders.items()}
    found = {name: images(each) for name, each in sets.items()}
    assert len(found['scored']) == 288
    assert len(found['trained']) == 1154
    assert set(found['trained']) | set(found['scored']) == set(found['all'])
    assert not set(found['trained']) & set(found['scored'])
    for name in ('clustered', 'collapse', 'gallery', 'gallery_of_hook'):
        assert found[name] == found['trained'], name
    assert found['scored_by_hook'] == found['scored']
    # Labels are packed for scores alone, and views drawn for training alone.
    for name, loader in loaders.items():
        if name != 'all':
            own = whole.train_dataloader if name == 'trained' else whole.test_dataloader
            assert loader.dataset.dataset.pipeline == own.dataset.pipeline, name


def test_a_gallery_that_would_keep_the_held_out_images_is_refused(tmp_path):
    path = 'test_cfg.train_dataloader.dataset.test_mode'
    trials = search_grid(grid_of(tmp_path, arms=f'dict(rcl=dict(options={{{path!r}: True}}))'))
    with pytest.raises(ConfigError, match='arm rcl.usual: tests or hooks read .* held out: set it'):
        plan_runs(trials, tmp_path, {})


def test_the_best_by_the_mean_over_shares_is_chosen(tmp_path):
    grid = grid_of(tmp_path)
    found = {
        'rcl+usual': result(s1=50, s100=90),
        'rcl+fast': result(s1=60, s100=81),
        # Equal: the first setting.
        'own+usual': result(s1=60, s100=80),
        'own+fast': result(s1=50, s100=90),
    }
    chosen = choose_settings(grid, found)
    assert [arm.setting for arm in chosen.arms] == ['fast', 'usual']
    runs = {run.arm.name: run.config for run in plan_runs(chosen, tmp_path, {})}
    assert runs['rcl'].optim_wrapper.optimizer.lr == 6e-3
    assert runs['own'].optim_wrapper.optimizer.lr == 2e-3
    path = write_choices_csv(tmp_path / 'new/search.csv', chosen, found)
    rows = list(csv.DictReader(path.open()))
    assert [tuple(row.values()) for row in rows] == [
        ('rcl', 'usual', '0.700000', '0'),
        ('rcl', 'fast', '0.705000', '1'),
        ('own', 'usual', '0.700000', '1'),
        ('own', 'fast', '0.700000', '0'),
    ]


def test_nothing_is_chosen_before_all_settings_are_scored(tmp_path):
    grid = grid_of(tmp_path)
    found = {
        'rcl+usual': result(s1=50),
        'rcl+fast': result(),
        'own+usual': result(s1=50),
        'own+fast': result(s1=70),
    }
    chosen = choose_settings(grid, found)
    assert [arm.setting for arm in chosen.arms] == ['', 'fast']


def test_a_grid_without_a_search_has_no_trials(tmp_path):
    path = tmp_path / 'plain.py'
    path.write_text(f'config = {str(CONFIG)!r}\narms = dict(rcl=dict())\n')
    assert search_grid(read_grid(path)) is None


@pytest.mark.parametrize(
    ('search', 'message'),
    [
        ('dict(seed=3)', 'grid.py: search has no settings: set settings=dict'),
        ('dict(settings={"a/b": {}, "fast": {}})', 'setting a/b: the name is used as a folder'),
        ('dict(settings={"usual": {}})', 'arm own: search has no setting fast: .*, usual'),
        ('dict(settings={"fast": {}}, held_out=1)', r'held_out=1 must lie in \(0, 1\)'),
        ('dict(options={})', 'search: unknown setting options: choose from held_out, seed'),
        ('None', 'arm own: search has no setting fast: .*of which there are none'),
    ],
)
def test_a_bad_search_says_what_is_wrong(tmp_path, search, message):
    with pytest.raises(ConfigError, match=message):
        grid_of(tmp_path, search=search)


def test_a_seed_of_the_table_is_not_for_the_search(tmp_path):
    grid = grid_of(tmp_path, search='dict(settings={"fast": {}}, seed=1)')
    with pytest.raises(ConfigError, match='the search trains with seed 1: choose other seeds'):
        search_grid(grid)
