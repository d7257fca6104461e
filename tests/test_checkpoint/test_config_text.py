"""Configs in checkpoints are parsed and never executed."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmrcl.checkpoint import config_from_text

from .hostile import hostile_config

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(path for path in ROOT.glob('configs/**/*.py') if '_base_' not in path.parts)


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_reads_every_config_as_mmengine_does(path):
    text = Config.fromfile(path).pretty_text
    assert config_from_text(text)._cfg_dict == Config.fromstring(text, '.py')._cfg_dict


def test_reads_literals_and_dicts():
    text = "a = dict(b=[-1, 2.5e-3, None], c=(1,), d={'x y': True})\ne = dict({'f.g': {1, 2}})\n"
    expected = dict(a=dict(b=[-1, 2.5e-3, None], c=(1,), d={'x y': True}), e={'f.g': {1, 2}})
    assert config_from_text(text)._cfg_dict == expected


@pytest.mark.parametrize(
    'line',
    [
        'import os',
        'a = open("b")',
        'a = dict(b=print())',
        'a = dict(**b)',
        'a = b',
        'a = "b".join([])',
        'a = lambda: 0',
        'a = [i for i in ()]',
        'a = f"{1}"',
        'a: int = 1',
        'a.b = 1',
        'a = b = 1',
        'a += 1',
        'a = dict([("b", 1)])',
        'a = {[]: 1}',
        'a = dict(type=torch.nn.modules.linear.Identity)',
        'a = (',
        'filename = 1',
        'a = ' + '[' * 100_000,
        'a = ' + '-' * 5_000 + '1',
    ],
    ids=lambda line: line[:30],
)
def test_refuses_the_rest(line):
    with pytest.raises(ValueError, match='more than plain settings.*--config'):
        config_from_text(f'c = 1\n{line}\n')


def test_names_the_line():
    with pytest.raises(ValueError, match=r'\(line 2\)'):
        config_from_text('c = 1\na = dict(b=print())\n')


def test_executes_nothing(tmp_path):
    with pytest.raises(ValueError, match='more than plain settings'):
        config_from_text(hostile_config(tmp_path / 'mark'))
    assert not (tmp_path / 'mark').exists()


def test_imports_nothing():
    """``custom_imports`` of a config file is imported by mmengine."""
    text = "custom_imports = dict(imports=['no_such_module'], allow_failed_imports=False)"
    assert config_from_text(text).custom_imports.imports == ['no_such_module']
