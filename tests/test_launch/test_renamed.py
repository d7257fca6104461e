"""Names of earlier versions are refused with the new ones, wherever a user may have them."""

from pathlib import Path

import pytest

from mmrcl.errors import ConfigError
from mmrcl.launch import check_config, check_overrides, read_config

from ..runs import CONFIG, tiny_config

FIRST = '.'.join(['custom_hooks', '0'])
CLUSTERING = dict(type='HierarchicalClusteringHook', dataloader=dict())


@pytest.mark.parametrize(
    ('change', 'sentence'),
    [
        (
            lambda config: config.model.head.loss.update(judged_negative='left_out'),
            r"judged_negative was renamed: write negative_pairs \('literal' is 'repel', "
            r"'left_out' is 'ignore'\)",
        ),
        (
            lambda config: config.model.head.update(exclude_mates=True),
            'exclude_mates was renamed: write exclude_same_cluster',
        ),
        (
            lambda config: config.model.retrievers[0].update(type='OwnViewRetriever'),
            "type='OwnViewRetriever' was renamed: write type='SameImageRetriever'",
        ),
        (
            lambda config: config.update(custom_hooks=[CLUSTERING]),
            r'HierarchicalClusteringHook.* move it to default_hooks=dict\(clustering=dict\(',
        ),
        (
            lambda config: config.update(custom_hooks=[dict(type='CollapseHook')]),
            r'CollapseHook, which has a name: move it to default_hooks=dict\(collapse=dict\(',
        ),
    ],
)
def test_an_old_name_in_a_config(tmp_path, change, sentence):
    config = tiny_config(tmp_path)
    check_config(config)
    change(config)
    with pytest.raises(ConfigError, match=sentence):
        check_config(config)


@pytest.mark.parametrize(
    ('option', 'sentence'),
    [
        (f'{FIRST}.source', r'hooks have names, such as default_hooks\.clustering\.source'),
        (f'{FIRST}.source.eps', r'such as default_hooks\.clustering\.source\.eps'),
        ('model.head.loss.judged_negative', 'judged_negative was renamed: write negative_pairs'),
        ('model.head.exclude_mates', 'exclude_mates was renamed: write exclude_same_cluster'),
    ],
)
def test_an_old_name_on_the_command_line(tmp_path, option, sentence):
    with pytest.raises(ConfigError, match=sentence):
        check_overrides(tiny_config(tmp_path), {option: 1})


def test_hooks_that_a_user_lists_are_addressed_by_position(tmp_path):
    config = tiny_config(tmp_path)
    config.custom_hooks = [dict(type='EMAHook', momentum=0.1)]
    check_overrides(config, {f'{FIRST}.momentum': 0.2})
    check_config(config)


def test_the_old_path_of_a_config():
    old = str(CONFIG.parents[1] / 'baselines' / CONFIG.name.replace('rcl', 'own-view'))
    new = old.replace('own-view', 'instance-discrimination')
    with pytest.raises(ConfigError, match=f'does not exist: it was renamed to {Path(new).name}'):
        read_config(old)
    assert read_config(new).model.type == 'RCL'
    with pytest.raises(ConfigError, match='nowhere.py does not exist$'):
        read_config('nowhere.py')


@pytest.mark.parametrize(
    ('base', 'line', 'sentence'),
    [
        (
            CONFIG,
            f'custom_hooks = {FIRST.replace(".0", "[1:]")}',
            'hooks have names, override them',
        ),
        ('own-view_resnet18.py', '', 'was renamed to instance-discrimination_resnet18.py'),
        ('mmrcl::baselines/own-view_resnet18.py', '', 'was renamed to instance-discrimination_'),
    ],
)
def test_old_names_in_bases(tmp_path, base, line, sentence):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = ['{base}']\n{line.replace('= ', '= _base_.')}\n")
    with pytest.raises(ConfigError, match=sentence):
        read_config(str(path))
