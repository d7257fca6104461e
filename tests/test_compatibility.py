"""The warning for untested versions, and the table in the docs."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from mmrcl import compatibility
from mmrcl.compatibility import TESTED, UntestedVersionWarning, VersionRange, describe_untested

ROOT = Path(__file__).parents[1]
STACK = (
    VersionRange(('torch',), '2.4.0', '2.12.1'),
    VersionRange(('onedl-mmcv', 'mmcv'), '2.3.6', '2.3.6'),
)


@pytest.mark.parametrize(
    'installed',
    [
        {},
        {'torch': '2.4.0'},
        {'torch': '2.12.9+cu130', 'onedl-mmcv': '2.3.0.post2'},
        {'torch': '2.9.1', 'mmcv': '2.3.6'},
    ],
)
def test_tested_versions(installed: dict[str, str]):
    assert describe_untested(installed, STACK) == ''


@pytest.mark.parametrize(
    ('installed', 'expected'),
    [
        ({'torch': '2.3.1'}, 'with torch 2.3.1 (tested: 2.4.0 to 2.12.1);'),
        ({'torch': '2.13.0a0+git1'}, 'with torch 2.13.0a0+git1 (tested: 2.4.0 to 2.12.1);'),
        ({'torch': '2.9.0', 'mmcv': '2.2.0'}, 'with mmcv 2.2.0 (tested: 2.3.6);'),
        (
            {'torch': '3.0', 'onedl-mmcv': '2.4.0'},
            'torch 3.0 (tested: 2.4.0 to 2.12.1), onedl-mmcv',
        ),
    ],
)
def test_versions_that_were_not(installed: dict[str, str], expected: str):
    assert expected in describe_untested(installed, STACK)


@pytest.mark.parametrize(
    ('environment', 'warned'),
    [
        ({}, True),
        ({'RANK': '0', 'LOCAL_RANK': '0'}, True),
        ({'RANK': '8', 'LOCAL_RANK': '0'}, False),
        ({'SLURM_PROCID': '1'}, False),
    ],
)
def test_one_process_of_a_run_warns(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], warned: bool
):
    for name in ['RANK', 'LOCAL_RANK', 'SLURM_PROCID']:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(compatibility.metadata, 'version', lambda name: '0.1')
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        compatibility.warn_if_untested()
    assert [each.category for each in caught] == [UntestedVersionWarning] * warned


# A spawned worker imports mmrcl anew. To silence by category, one would have to import it first.
IMPORT = """
import multiprocessing, sys, warnings
from importlib import metadata

metadata.version = lambda name: '0.1'
if sys.argv[1:] == ['silent']:
    warnings.filterwarnings('ignore', message='mmrcl was not tested with')
import mmrcl

if __name__ == '__main__':
    worker = multiprocessing.get_context('spawn').Process(target=print)
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert not {'torch', 'mmengine', 'numpy'} & sys.modules.keys()
"""


@pytest.mark.parametrize(('arguments', 'times'), [([], 1), (['silent'], 0)])
def test_import_warns_once_and_imports_nothing_heavy(
    tmp_path: Path, arguments: list[str], times: int
):
    script = tmp_path / 'script.py'
    script.write_text(IMPORT)
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, env={'PYTHONPATH': str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count('UntestedVersionWarning: mmrcl was not tested with torch 0.1') == times


def test_docs_have_the_same_versions():
    page = (ROOT / 'docs/compatibility.md').read_text()
    rows = re.findall(r'^\| `([\w-]+)` .*\| ([\d.]+) \| ([\d.]+) \|$', page, re.MULTILINE)
    assert rows == [(each.distributions[0], each.oldest, each.newest) for each in TESTED]
