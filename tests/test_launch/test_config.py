"""Hooks by name: read, listed, built, and taken out."""

import argparse

import pytest
from mmengine.config import Config

from mmrcl.errors import ConfigError
from mmrcl.launch import (
    add_common_arguments,
    build_hooks,
    drop_absent_hooks,
    hooks_of,
    load_config,
    read_config,
)

from ..runs import CONFIG, TINY, tiny_config, train


def loaded(work_dir, *options: str) -> Config:
    """The digits config by the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_common_arguments(parser)
    arguments = [str(CONFIG), '--work-dir', str(work_dir), '--cfg-options', *options]
    return load_config(parser.parse_args(arguments))


def test_a_hook_is_taken_out_by_name_on_the_command_line(tmp_path):
    assert 'KNNHook' in {
        hook['type'] for hook in hooks_of(loaded(tmp_path, 'model.queue.length=96'))
    }
    config = loaded(tmp_path, 'default_hooks.knn=None', 'default_hooks.logger=None')
    assert 'knn' not in config.default_hooks
    # mmengine's Runner puts its own back unless they are None.
    assert config.default_hooks.logger is None
    types = {hook['type'] for hook in hooks_of(config)}
    assert 'KNNHook' not in types and 'HierarchicalClusteringHook' in types


@pytest.mark.slow
def test_a_run_without_the_hook(tmp_path):
    small = [f'{key}={value}' for key, value in TINY.items() if 'knn' not in key]
    config = loaded(tmp_path, *small, 'train_cfg.max_epochs=3', 'default_hooks.knn=None')
    config.experiment_name = 'without_knn'
    runner = train(config)
    assert runner.iter == 18
    assert 'KNNHook' not in {type(hook).__name__ for hook in runner.hooks}
    assert not [name for name in runner.message_hub.log_scalars if 'knn' in name]


def test_a_hook_is_taken_out_by_name_in_a_config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text(f'_base_ = {str(CONFIG)!r}\ndefault_hooks = dict(hierarchy_monitor=None)\n')
    found, whole = read_config(str(path)).default_hooks, read_config(str(CONFIG)).default_hooks
    assert set(whole) - set(found) == {'hierarchy_monitor'}


@pytest.mark.parametrize('text', ['default_hooks = dict(knn=dict(interval=1))', 'model = dict('])
def test_a_config_that_cannot_be_merged_or_parsed_is_one_line(tmp_path, text):
    (tmp_path / 'base.py').write_text('default_hooks = dict(knn=None)')
    path = tmp_path / 'config.py'
    path.write_text(f"_base_ = 'base.py'\n{text}\n")
    with pytest.raises(ConfigError, match=r'config\.py: [^\n]+$'):
        read_config(str(path))


def test_hooks_by_name_come_before_those_of_the_list():
    first, last = dict(type='IterTimerHook'), dict(type='EMAHook')
    config = Config(dict(default_hooks=dict(timer=first, knn=None), custom_hooks=[last]))
    assert hooks_of(config) == [first, last]
    drop_absent_hooks(config)
    assert list(config.default_hooks) == ['timer']
    assert hooks_of(Config()) == []


def test_hooks_are_built_without_those_that_need_a_runner(tmp_path):
    config = tiny_config(tmp_path)
    config.custom_hooks = [dict(type='EMAHook', priority=30)]
    assert 'VisualizationHook' in {hook['type'] for hook in hooks_of(config)}
    built = [type(hook).__name__ for hook in build_hooks(config)]
    assert 'EMAHook' in built and 'VisualizationHook' not in built
    assert len(built) == len(hooks_of(config)) - 1


def test_sections_of_hooks_may_be_none(tmp_path):
    config = loaded(tmp_path, 'custom_hooks=None')
    assert config.custom_hooks is None and hooks_of(config)
    config.default_hooks = None
    drop_absent_hooks(config)
    assert hooks_of(config) == []
