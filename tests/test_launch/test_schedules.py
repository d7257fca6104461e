"""Another number of epochs: the schedules follow, or it is said that they do not."""

import argparse
import copy

import pytest
from mmengine.config import Config

from mmrcl.errors import ConfigError
from mmrcl.launch import add_common_arguments, load_config, read_config
from mmrcl.launch.schedules import Stretch, rescale_epochs, unfit_schedules

from ..runs import CONFIG

RCL = 'configs/rcl/rcl_resnet50_8xb512-coslr-{}e_in1k.py'


def rescaled(config: Config, epochs: int) -> Config:
    config = copy.deepcopy(config)
    rescale_epochs(config, epochs)
    return config


def test_200_epochs_become_the_config_for_400():
    base, longer = (read_config(RCL.format(epochs)) for epochs in (200, 400))
    assert rescaled(base, 400).to_dict() == longer.to_dict()


@pytest.mark.parametrize('epochs', [1, 2, 3, 7, 29, 30, 31, 300])
def test_schedules_cover_any_training(epochs):
    config = rescaled(read_config(str(CONFIG)), epochs)
    assert unfit_schedules(config) is None
    assert config.param_scheduler[-1].end == config.train_cfg.max_epochs == epochs
    phases = [(one.begin, one.end) for one in config.param_scheduler]
    assert phases[0][0] == 0 and all(begin < end for begin, end in phases)
    assert [end for _, end in phases[:-1]] == [begin for begin, _ in phases[1:]]
    assert config.param_scheduler[-1].T_max == epochs - phases[-1][0]
    assert config.default_hooks.clustering.warmup_epochs < epochs
    assert config.default_hooks.checkpoint.interval == 6


def test_warm_ups_shrink_and_do_not_grow():
    stretch = Stretch(100, 50, warm_up=10)
    assert [stretch.epoch(epoch) for epoch in (0, 4, 10, 55, 100)] == [0, 2, 5, 27, 50]
    stretch = Stretch(100, 190, warm_up=10)
    assert [stretch.epoch(epoch) for epoch in (0, 4, 10, 55, 100)] == [0, 4, 10, 100, 190]
    assert [Stretch(100, 3).warm_up_of(length) for length in (0, 1, 90)] == [0, 1, 2]
    assert Stretch(100, 1).warm_up_of(10) == 0


def test_milestones_periods_and_iterations_follow():
    schedulers = [
        dict(type='LinearLR', by_epoch=False, begin=0, end=500),
        dict(type='MultiStepLR', milestones=[60, 80]),
        dict(type='StepLR', step_size=30, end=100),
        dict(type='CosineAnnealingLR', by_epoch=False, T_max=1000),
    ]
    config = Config(dict(train_cfg=dict(max_epochs=100), param_scheduler=schedulers))
    found = rescaled(config, 200).param_scheduler
    assert found[0].end == 500 and found[1].milestones == [120, 160]
    assert (found[2].step_size, found[2].end, found[3].T_max) == (60, 200, 2000)


WRONG = {
    'late': (dict(max_epochs=20), ['param_scheduler.1.end=30', '1.T_max=26 from epoch 4']),
    'early': (dict(max_epochs=60), ['param_scheduler.1.end=30', '1.T_max=26 from epoch 4']),
    'warm-up': (dict(max_epochs=3), ['param_scheduler.0.end=4']),
}


@pytest.mark.parametrize('case', WRONG)
def test_schedules_that_end_elsewhere_are_named(case):
    config = read_config(str(CONFIG))
    changes, names = WRONG[case]
    config.train_cfg.update(changes)
    message = unfit_schedules(config)
    assert message and all(name in message for name in names) and '--epochs' in message


@pytest.mark.parametrize(
    'schedulers',
    [
        None,
        [dict(type='LinearLR', end=4)],
        dict(type='MultiStepLR', milestones=[10, 20]),
        [dict(type='LinearLR', by_epoch=False, end=500), dict(type='CosineAnnealingLR', T_max=30)],
    ],
)
def test_schedules_that_fit_are_not(schedulers):
    config = Config(dict(train_cfg=dict(max_epochs=30), param_scheduler=schedulers))
    assert unfit_schedules(config) is None
    config.train_cfg = dict(max_iters=7)
    assert unfit_schedules(config) is None


def load(*options: str, epochs: int) -> Config:
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_common_arguments(parser)
    args = parser.parse_args([str(CONFIG), '--cfg-options', *options])
    return load_config(args, epochs=epochs)


def test_overrides_come_after_the_number_of_epochs():
    config = load('default_hooks.clustering.warmup_epochs=1', epochs=15)
    assert config.default_hooks.clustering.warmup_epochs == 1
    assert config.param_scheduler[-1].end == config.train_cfg.max_epochs == 15


def test_what_has_no_other_length_is_refused():
    with pytest.raises(ConfigError, match='pass one of them'):
        load('train_cfg.max_epochs=20', epochs=15)
    with pytest.raises(ConfigError, match='both must be at least 1'):
        load('randomness.seed=1', epochs=0)
    with pytest.raises(ConfigError, match='counted in iterations'):
        rescale_epochs(Config(dict(train_cfg=dict(max_iters=7))), 3)
