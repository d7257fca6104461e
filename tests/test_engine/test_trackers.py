"""A run seen by TensorBoard and by W&B."""

import pytest

from mmrcl.errors import ConfigError
from mmrcl.launch import build_runner

from ..runs import tiny_config, train
from .test_monitor_hooks import by_class
from .wandb_files import read_wandb

SCALARS = [
    'loss',
    'attracted_fraction',
    'knn/top1',
    'hierarchy/level_2/clusters',
    'hierarchy/level_3/ami',
    'hierarchy/level_3/churn',
    'pairs/3_of_3/probability',
]


def tracked_config(work_dir, *backends: str):
    found = [dict(type=name) for name in ('LocalVisBackend', *backends)]
    return tiny_config(work_dir, visualizer__vis_backends=found, **by_class())


@pytest.fixture(scope='module')
def tracked(tmp_path_factory):
    """The folder of a run that both trackers follow."""
    pytest.importorskip('tensorboard', reason='TensorBoard is not installed')
    wandb = pytest.importorskip('wandb', reason='W&B is not installed')
    work_dir = tmp_path_factory.mktemp('tracked')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('WANDB_MODE', 'offline')
        patch.setenv('WANDB_SILENT', 'true')
        # W&B waits 30 s for its process to start, too short beside busy ones.
        patch.setenv('WANDB_X_SERVICE_WAIT', '300')
        patch.setenv('WANDB_INIT_TIMEOUT', '300')
        train(tracked_config(work_dir, 'TensorboardVisBackend', 'WandbVisBackend'))
        wandb.teardown()  # waits for the process that writes the file
    return work_dir


@pytest.mark.slow
def test_tensorboard_shows_scalars_and_the_figure(tracked):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(next(tracked.rglob('events.out*')).parent), dict(images=0))
    found.Reload()
    assert set(SCALARS) <= set(found.Tags()['scalars'])
    assert [event.step for event in found.Scalars('hierarchy/level_3/churn')] == [18, 24]
    assert [event.step for event in found.Scalars('knn/top1')] == [24]
    [figure] = found.Images('pairs')
    assert figure.step == 24 and figure.width > 1000


@pytest.mark.slow
def test_wandb_shows_scalars_and_the_figure_by_iteration(tracked):
    rows, axes = read_wandb(tracked)
    assert set(SCALARS) <= set().union(*rows)
    assert axes['*'] == 'iter'
    # Every row has the axis, and none is dropped for a step that goes back.
    steps = [row['iter'] for row in rows]
    assert steps == sorted(steps) and steps[-1] == 24
    assert [row['iter'] for row in rows if 'hierarchy/level_3/churn' in row] == [18, 24]
    assert [row['iter'] for row in rows if 'pairs' in row] == [24]
    assert len(list(tracked.rglob('media/images/pairs*.png'))) == 1
    # The code below the current folder stays where it is.
    assert not any(path.suffix == '.py' for path in tracked.rglob('wandb/**/*'))


def test_a_start_without_login_says_what_to_do(tmp_path, monkeypatch):
    wandb = pytest.importorskip('wandb', reason='W&B is not installed')

    def refuse(**kwargs):
        raise wandb.errors.UsageError('No API key configured.')

    monkeypatch.setattr(wandb, 'init', refuse)
    with pytest.raises(ConfigError, match='No API key.*wandb login.*WANDB_MODE=offline'):
        build_runner(tracked_config(tmp_path, 'WandbVisBackend'), train=True)


def test_a_start_without_the_package_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'wandb', None)
    with pytest.raises(ConfigError, match='pip install wandb'):
        build_runner(tracked_config(tmp_path, 'WandbVisBackend'), train=True)
