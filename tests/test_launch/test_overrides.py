"""Overrides that would change nothing are refused, with the settings that hold the copy."""

import pytest
from mmengine.config import Config

from mmrcl.errors import ConfigError
from mmrcl.launch import check_overrides

from ..runs import CONFIG, tiny_config

PIPELINE = 'train_dataloader.dataset.pipeline'
REFUSED = {
    'train_pipeline.0.scale': f'set {PIPELINE}.0.scale',
    'train_pipeline': f'set {PIPELINE}',
    'view.0.scale': 'set data_preprocessor.views.0.0.scale, data_preprocessor.views.1.0.scale',
    'plain_train_dataloader.batch_size': (
        'set test_cfg.train_dataloader.batch_size, default_hooks.clustering.dataloader.batch_size,'
    ),
    'launcher': 'use --launcher',
    'custom_imports': 'custom_imports is no part of the config',
    'runner_type': 'runner_type is no part of the config',
    'default_hooks.kn': 'default_hooks.kn is no part of the config; did you mean knn?',
}


@pytest.fixture(scope='module')
def config(tmp_path_factory) -> Config:
    config = tiny_config(tmp_path_factory.mktemp('run'))
    # So that the copies are equal, as they are in the file.
    for loader in (config.default_hooks.clustering, config.default_hooks.knn):
        for part in loader.values():
            if isinstance(part, dict) and 'dataset' in part:
                part.dataset.pop('indices', None)
    return config


@pytest.mark.parametrize('option', REFUSED)
def test_what_nothing_reads_is_refused(option, config):
    with pytest.raises(ConfigError) as caught:
        check_overrides(config, {option: None})
    assert REFUSED[option] in str(caught.value)


def test_a_variable_of_which_settings_are_made_is_refused():
    swav = CONFIG.parents[1] / 'baselines/swav_resnet50_8xb32-mcrop-coslr-200e_in1k.py'
    config = Config.fromfile(swav)
    with pytest.raises(ConfigError, match='set the settings that are made from it, or edit the'):
        check_overrides(config, {'jitter.brightness': 0.1})


def test_what_is_read_is_accepted(config):
    options = {
        'train_dataloader.dataset.pipeline.0.scale': (32, 32),
        'default_hooks.knn': None,
        'default_hooks.logger': None,
        'activation_checkpointing': ['backbone'],
        'model_wrapper_cfg': None,
        'work_dir': 'elsewhere',
    }
    check_overrides(config, options)


def test_a_variable_that_the_caller_reads_is_accepted(config):
    option = {'plain_train_dataloader.batch_size': 7}
    with pytest.raises(ConfigError):
        check_overrides(config, option)
    check_overrides(config, option, also=['plain_train_dataloader'])


def test_equal_numbers_are_no_copies():
    config = Config(dict(epochs=30, train_cfg=dict(max_epochs=30), root='data', model=['data']))
    with pytest.raises(ConfigError, match='or edit the file'):
        check_overrides(config, {'epochs': 3})
    with pytest.raises(ConfigError, match='set model.0$'):
        check_overrides(config, {'root': 'elsewhere'})
