"""A small grid on digits from the command line: killed, resumed, spoilt."""

import csv
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mmengine.config import Config

from mmrcl.ablations.grids import read_grid
from mmrcl.ablations.runs import check_run, check_unchanged, plan_runs, shared_with
from mmrcl.errors import ConfigError
from mmrcl.evaluation import read_correct

from .runs import CONFIG, TINY

ROOT = Path(__file__).parents[1]
INSTANCE_DISCRIMINATION = (
    ROOT / 'configs/baselines' / CONFIG.name.replace('rcl', 'instance-discrimination')
)
OF_THE_HOOK = (
    'default_hooks.clustering.',
    'default_hooks.knn.',
    'default_hooks.collapse.',
    'model.hierarchy.',
)
SMALL = {key: value for key, value in TINY.items() if not key.startswith(OF_THE_HOOK)}
for _loader in ('default_hooks.knn.train_dataloader', 'test_cfg.train_dataloader'):
    SMALL[f'{_loader}.dataset.indices'] = 192
CLUSTERED = {
    'model.hierarchy.feat_dim': 16,
    'default_hooks.clustering.dataloader.dataset.indices': 192,
    'default_hooks.clustering.warmup_epochs': 1,
}
GRID = f"""
config = {str(CONFIG)!r}
title = 'Digits'
seeds = [0]
label_draws = 2
reference = 'instance-discrimination'
measures = ['retrieval_hit_rate']
_small = {SMALL}
_clustered = {CLUSTERED}
arms = {{
    'instance-discrimination': dict(
        title='instance discrimination', config={str(INSTANCE_DISCRIMINATION)!r}, options=_small
    ),
    'rcl': dict(title='RCL', options=_small | _clustered),
    # Of four epochs nothing is left to cluster.
    'broken': dict(options=_small | _clustered | {{'default_hooks.clustering.warmup_epochs': 4}}),
}}
"""


def command(grid: Path, *arguments: object) -> list[str]:
    tool = ROOT / 'tools/analysis/ablation.py'
    return [sys.executable, str(tool), str(grid), '--work-dir', str(grid.parent / 'runs')] + [
        str(argument) for argument in arguments
    ]


def ablation(grid: Path, *arguments: object) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    return subprocess.run(
        command(grid, *arguments), env=environment, capture_output=True, text=True, timeout=500
    )


def kill_when(condition, *arguments: object) -> None:
    """Starts the tool and, once ``condition`` holds, kills it with all that it started."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    process = subprocess.Popen(command(*arguments), env=environment, start_new_session=True)
    end = time.time() + 900
    while not condition():
        assert process.poll() is None and time.time() < end
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for_the_lock(path: Path) -> None:
    """Waits until no job of a killed grid holds the lock of a run."""
    end = time.time() + 60
    with path.open('a') as log:
        while True:
            try:
                return fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert time.time() < end, 'the job outlived its grid'
                time.sleep(0.1)


def written(folder: Path) -> dict[Path, int]:
    """All files of a run and when they were written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob('*')}


@pytest.fixture(scope='module')
def grid(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('ablation') / 'grid.py'
    path.write_text(GRID)
    return path


@pytest.fixture(scope='module')
def killed(grid) -> tuple[Path, dict[Path, int]]:
    """Killed once the second training has a checkpoint; the folder and what the first wrote."""
    folder = grid.parent / 'runs/grid'
    kill_when(
        (folder / 'rcl/seed_0/epoch_1.pth').exists,
        *(grid, '--arms', 'instance-discrimination', 'rcl', '--processes', 1),
    )
    wait_for_the_lock(folder / 'rcl/seed_0/console.log')
    return folder, written(folder / 'instance-discrimination/seed_0')


@pytest.fixture(scope='module')
def finished(grid, killed) -> subprocess.CompletedProcess:
    return ablation(grid, '--arms', 'instance-discrimination', 'rcl', '--processes', 2)


@pytest.mark.slow
def test_a_killed_grid_goes_on_and_repeats_nothing(killed, finished):
    folder, before = killed
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert 'grid: 2 runs, 1 of them finished before' in finished.stdout
    assert before == written(folder / 'instance-discrimination/seed_0')
    first, second = sorted((folder / 'rcl/seed_0').glob('*/*.log'))
    assert 'resumed epoch' not in first.read_text()
    assert 'resumed epoch: ' in second.read_text()


@pytest.mark.slow
def test_tables_predictions_and_figure(killed, finished):
    folder, _ = killed
    rows = list(csv.DictReader((folder / 'results.csv').open()))
    assert list(rows[0]) == ['arm', 'seed', 'metric', 'labels', 'accuracy']
    assert len(rows) == 2 * 2 * 3
    text = (folder / 'results.md').read_text()
    assert text in finished.stdout
    assert '| RCL | 1 |' in text and '| broken | 0 | - |' in text
    run = folder / 'rcl/seed_0'
    correct = read_correct(run / 'predictions.npz')
    assert {column: right.shape for column, right in correct.items()} == {
        (metric, labels): (1 if labels == 100 else 2, 355)
        for metric in ('knn', 'linear')
        for labels in (1, 10, 100)
    }
    for score in csv.DictReader((run / 'scores.csv').open()):
        right = correct[score['metric'], int(score['labels'])]
        assert float(score['accuracy']) == pytest.approx(right.mean(), abs=1e-6)
    assert (folder / 'results.png').stat().st_size > 10000


@pytest.mark.slow
def test_one_that_fails_is_named_and_the_others_count(grid, finished):
    done = ablation(grid, '--arms', 'broken', '--seeds', 0)
    assert done.returncode == 1
    assert 'broken seed 0 failed' in done.stderr
    assert 'clustering would never start' in done.stderr
    assert '| RCL | 1 |' in done.stdout


@pytest.mark.slow
def test_changed_settings_are_refused(grid, finished):
    work_dir = grid.parent / 'runs'
    content = read_grid(grid)
    for run in plan_runs(content, work_dir, {}):
        check_unchanged(content, run)
    changed = {'optim_wrapper.optimizer.lr': 0.5}
    with pytest.raises(
        ConfigError, match=r'instance-discrimination/seed_0 .*\n- .*lr was 0.002 and is 0.5'
    ):
        check_unchanged(content, plan_runs(content, work_dir, changed)[0])
    moved = {'train_dataloader.num_workers': 3, 'default_hooks.knn.interval': 7}
    run = plan_runs(content, work_dir, moved)[1]
    assert run.arm.name == 'rcl'
    check_unchanged(content, run)


@pytest.mark.slow
def test_a_run_of_another_grid_is_taken_over(grid, killed, finished):
    folder, _ = killed
    other = grid.with_name('other.py')
    other.write_text(GRID.replace("'rcl'", "'renamed'").replace("'RCL'", "'renamed'"))
    runs = plan_runs(read_grid(other), folder.parent, {})
    shared = shared_with(runs, folder.parent, label_draws=2)
    assert [run.folder for run in shared if run.arm.name == 'renamed'] == [folder / 'rcl/seed_0']
    assert shared_with(runs, folder.parent, label_draws=3) == runs


SEARCH = f"""
config = {str(INSTANCE_DISCRIMINATION)!r}
label_draws = 2
search = dict(
    settings={{'usual': {{}}, 'fast': {{'optim_wrapper.optimizer.lr': 5e-3}}}},
)
arms = {{
    'one': dict(
        options={SMALL | {'train_cfg.max_epochs': 1}}
        | {{'default_hooks.memory': dict(type='PeakMemoryHook')}}
    ),
    'later': dict(options={{'model.base_momentum': 0.1}}),
}}
"""


@pytest.mark.slow
def test_a_killed_search_goes_on_and_its_choice_is_trained(tmp_path):
    grid = tmp_path / 'grid.py'
    grid.write_text(SEARCH)
    folder = tmp_path / 'runs'
    first, second = (folder / f'grid-search/one+{name}/seed_1000' for name in ('usual', 'fast'))
    arguments = (grid, '--arms', 'one', '--processes', 1)
    kill_when((second / 'epoch_1.pth').exists, *arguments)
    wait_for_the_lock(second / 'console.log')
    before = written(first)
    done = ablation(*arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert before == written(first)
    assert 'grid-search: 2 runs, 1 of them finished before' in done.stdout
    assert 'grid: 1 runs, 0 of them finished before' in done.stdout

    rows = list(csv.DictReader((folder / 'grid/search.csv').open()))
    assert [(row['arm'], row['setting']) for row in rows] == [
        ('one', 'usual'),
        ('one', 'fast'),
        ('later', 'usual'),
        ('later', 'fast'),
    ]
    scored = {row['setting']: float(row['accuracy']) for row in rows[:2]}
    (best,) = (row['setting'] for row in rows if row['chosen'] == '1')
    assert scored[best] == max(scored.values())
    # On the held-out fifth of 192 images, by kNN alone.
    correct = read_correct(first / 'predictions.npz')
    assert {metric for metric, _ in correct} == {'knn'} and correct['knn', 100].shape == (1, 39)
    config = Config.fromfile(folder / 'grid/one/seed_0/config.py')
    assert config.optim_wrapper.optimizer.lr == {'usual': 2e-3, 'fast': 5e-3}[best]
    (training,) = csv.DictReader((folder / 'grid/trainings.csv').open())
    assert training['setting'] == best and float(training['memory']) > 100
    assert '| later | 0 | - |' in done.stdout


def broken(tmp_path: Path, **changes: str) -> Path:
    path = tmp_path / 'bad.py'
    content = f'config = {str(CONFIG)!r}\narms = dict(rcl=dict())\n'
    path.write_text(content + ''.join(f'{key} = {value}\n' for key, value in changes.items()))
    return path


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(seed='[0]'), r'bad.py: unknown setting seed: choose from arms, .* seeds'),
        (dict(arms='{}'), r'bad.py has no arms'),
        (dict(arms='dict(rcl=dict(option={}))'), r'arm rcl: unknown setting option'),
        (dict(arms="{'a/b': dict()}"), r'arm a/b: the name is used as a folder'),
        (dict(config='None'), r'arm rcl has no config'),
        (dict(config="'none.py'"), r'arm rcl: config .*none.py does not exist'),
        (dict(reference="'own'"), r'bad.py: unknown arm own: choose from rcl'),
        (dict(headroom="('rcl',)"), r'headroom=.* must name two arms'),
        (dict(draw="'lines'"), r"draw='lines' must be"),
        (dict(arms='dict(a=dict(x=1), b=dict())'), r'some arms have an x'),
        (dict(arms="dict(a=dict(title='t'), b=dict(title='t'))"), r'two arms share a title'),
        (dict(seeds='[]'), r'set at least one seed, and label_draws'),
    ],
)
def test_a_bad_grid_says_what_is_wrong(tmp_path, changes, message):
    with pytest.raises(ConfigError, match=message):
        read_grid(broken(tmp_path, **changes))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'model.hed.num': 1}, r'bad: arm rcl: .*model.hed is no part of the config'),
        ({'model.queue.size': 1}, r"bad: arm rcl: .*unexpected keyword argument 'size'"),
        ({'model.head.predictor.num_predictors': 2}, r'arm rcl: .*num_predictors=2 does not fit'),
        ({'train_dataloader.dataset.pipeline': [dict(type='Blend')]}, r'arm rcl: .*Blend'),
        ({'default_hooks.clustering.source.eps': 'none'}, r"arm rcl: .*eps='none' is unknown"),
    ],
)
def test_bad_settings_of_an_arm_are_found_before_any_work(tmp_path, options, message):
    grid = read_grid(broken(tmp_path, arms=f'dict(rcl=dict(options={options}))'))
    with pytest.raises(ConfigError, match=message):
        check_run(grid, plan_runs(grid, tmp_path, {})[0])


def test_settings_for_all_arms_come_after_those_of_the_arm(tmp_path):
    options = {'train_cfg.max_epochs': 3, 'model.queue.length': 64}
    grid = read_grid(broken(tmp_path, arms=f'dict(rcl=dict(options={options}))', seeds='[5, 3]'))
    run, other = plan_runs(grid, tmp_path, {'train_cfg.max_epochs': 2})
    assert other.folder == tmp_path / 'bad/rcl/seed_3'
    assert run.folder == tmp_path / 'bad/rcl/seed_5'
    assert run.config.randomness.seed == 5
    assert run.config.model.queue.length == 64
    assert run.checkpoint.name == 'epoch_2.pth'


def test_the_folder_of_the_data_reaches_every_loader(tmp_path):
    grid = read_grid(ROOT / 'configs/ablations/table4_fashion-mnist.py')
    run = plan_runs(grid, tmp_path, {}, 'elsewhere')[-1]
    hook = run.config.default_hooks.clustering.dataloader
    for loader in (run.config.train_dataloader, run.config.test_cfg.train_dataloader, hook):
        assert loader.dataset.data_root == 'elsewhere'
