"""Who imports what: tools take packages as they are, and the arrows between packages point down."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# As in docs/code_map.md, from top to bottom. Those of one row do not import each other.
ROWS = [
    {'commands'},
    {'apis'},
    {'ablations', 'export'},
    {'launch'},
    {'engine'},
    {'features'},
    {'evaluation', 'visualization'},
    {'models', 'datasets'},
    {'checkpoint'},
    {'clustering'},
    {'arguments', 'compatibility', 'device_copies', 'disk', 'draws', 'errors', 'preemption'}
    | {'progress', 'registry', 'threads', 'utils', 'version', 'zoo'},
]
DEPTH = {name: depth for depth, row in enumerate(ROWS) for name in row}
PACKAGES = {path.parent.name for path in ROOT.glob('mmrcl/*/__init__.py')}


def imported(path: Path, package: str = '') -> Iterator[str]:
    """Modules that a file imports names from, relative ones as seen from ``package``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            if node.module == 'mmrcl':
                yield from (f'mmrcl.{alias.name}' for alias in node.names)
            else:
                yield node.module
        elif isinstance(node, ast.ImportFrom):
            parents = package.split('.')[: len(package.split('.')) - node.level + 1]
            base = '.'.join([*parents, *filter(None, [node.module])])
            yield from ([base] if node.module else (f'{base}.{name.name}' for name in node.names))


def outside(path: Path) -> set[str]:
    """Modules of the other packages of mmrcl that a module of mmrcl imports."""
    package = '.'.join(path.relative_to(ROOT).parent.parts)
    own = '.'.join(package.split('.')[:2])
    found = {name for name in imported(path, package) if name.startswith('mmrcl.')}
    return {name for name in found if not f'{name}.'.startswith(f'{own}.')}


MODULES = sorted(path for path in (ROOT / 'mmrcl').glob('*/**/*.py') if '.mim' not in path.parts)


def test_every_part_of_mmrcl_has_its_row():
    modules = {path.stem for path in ROOT.glob('mmrcl/*.py')} - {'__init__'}
    assert set(DEPTH) == PACKAGES | modules


@pytest.mark.parametrize('package', sorted(PACKAGES))
def test_a_package_imports_from_rows_below_its_own(package):
    for path in MODULES:
        if path.relative_to(ROOT).parts[1] == package:
            for name in outside(path):
                part = name.split('.')[1]
                assert DEPTH[part] > DEPTH[package], f'{path} imports {name}'


@pytest.mark.parametrize('package', sorted(PACKAGES))
def test_a_package_is_imported_as_a_whole(package):
    inner = re.compile(rf'mmrcl\.{package}\.')
    users = [path for path in MODULES if path.relative_to(ROOT).parts[1] != package]
    for path in users:
        assert not [name for name in outside(path) if inner.match(name)], path


@pytest.mark.parametrize('path', sorted(ROOT.glob('tools/**/*.py')), ids=lambda path: path.stem)
def test_a_tool_imports_packages_and_no_submodule(path):
    for name in imported(path):
        if name.split('.')[0] == 'mmrcl':
            assert name.count('.') < 2, name


@pytest.mark.parametrize(
    ('line', 'found'),
    [
        ('from mmrcl.launch.config import read_config', 'mmrcl.launch.config'),
        ('import mmrcl.launch.config', 'mmrcl.launch.config'),
        ('from mmrcl import launch', 'mmrcl.launch'),
        ('from .config import read_config', 'mmrcl.engine.hooks.config'),
        ('from .. import loops', 'mmrcl.engine.loops'),
        ('from ...errors import ConfigError', 'mmrcl.errors'),
    ],
)
def test_imports_of_all_kinds_are_seen(tmp_path, line, found):
    (tmp_path / 'module.py').write_text(f'def late():\n    {line}\n')
    assert list(imported(tmp_path / 'module.py', 'mmrcl.engine.hooks')) == [found]


def test_hooks_are_addressed_by_name():
    command = ['git', 'grep', '-lE', r'custom_hooks[.\[][0-9]', '--']
    done = subprocess.run(
        [*command, 'configs', 'docs', 'tools', 'tests'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == []
