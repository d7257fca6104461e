"""Configs that pages name exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob('docs/*.md'), *ROOT.glob('configs/**/README.md'), ROOT / 'README.md'])
CONFIGS = {path.name for path in ROOT.glob('configs/**/*.py')}


def named(page: Path) -> set[str]:
    """Names of files that have epochs as our configs do, as in ``..._8xb32-coslr-200e_in1k.py``."""
    return set(re.findall(r'\b[\w-]+-\d+e_[\w-]+\.py', page.read_text()))


@pytest.mark.parametrize('page', PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_configs_exist(page):
    assert named(page) <= CONFIGS


def test_the_tables_of_the_paper_name_a_config_for_each_row():
    text = (ROOT / 'docs/paper_tables.md').read_text()
    for table, rows in (('## Table 1', 20), ('## Table 2', 13)):
        section = text.split(table)[1].split('\n## ')[0]
        lines = [line for line in section.splitlines() if re.match(r'\| [A-Z]', line)]
        assert len(lines) == rows
        assert all(re.search(r'`[\w-]+-\d+e_[\w-]+\.py`', line) for line in lines)
