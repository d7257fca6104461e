from pathlib import Path

import pytest

from .links import anchors, broken_links, links, markdown_files

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize('path', markdown_files(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path):
    assert not broken_links(path, ROOT)


def test_looks_at_pages_readmes_and_papers():
    found = {str(path.relative_to(ROOT)) for path in markdown_files(ROOT)}
    expected = {'README.md', 'CONTRIBUTING.md', 'docs/index.md', 'configs/baselines/README.md'}
    assert expected <= found


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'other.md').write_text("# The demo's `code`, A+B\n\n## Twice\n\n## Twice\n")
    return tmp_path / 'page.md'


@pytest.mark.parametrize(
    'link',
    [
        '[a](other.md)',
        '[a](folder)',
        '[a](folder/)',
        '[a](other.md#the-demos-code-ab)',
        '[a](other.md#twice-1)',
        '# Here\n\n[a](#here)',
        '![a](other.md)',
        '[a][b]\n\n[b]: other.md',
        '[a](https://example.org/nowhere.md#nothing)',
        '`[a](nowhere.md)`',
        '```\n[a](nowhere.md)\n```',
    ],
)
def test_takes_good_links_and_code(page: Path, link: str):
    page.write_text(link)
    assert broken_links(page, page.parent) == []


@pytest.mark.parametrize(
    ('link', 'sentence'),
    [
        ('[a](nowhere.md)', 'no file or folder nowhere.md'),
        ('| a | b | c |\n|---|---|---|\n| ` | [a](nowhere) | ` |', 'no file or folder nowhere'),
        ('![a](images/nowhere.png)', 'no file or folder images/nowhere.png'),
        ('[a][b]\n\n[b]: nowhere.md', 'no file or folder nowhere.md'),
        ('[a](other.md#nothing)', 'no heading #nothing in other.md'),
        ('[a](other.md#twice-2)', 'no heading #twice-2 in other.md'),
        ('[a](#nothing)', 'no heading #nothing in page.md'),
        ('[a](folder/#nothing)', 'no heading #nothing in folder'),
        ('[a](../..)', '../.. is outside the repository'),
    ],
)
def test_finds_broken_links(page: Path, link: str, sentence: str):
    page.write_text(link)
    assert broken_links(page, page.parent) == [f'page.md: {sentence}']


def test_reads_every_link_and_heading(page: Path):
    page.write_text('# A\n\n[b](c.md) and ![d](e.png)\n\n###### F g\n')
    assert list(links(page)) == ['c.md', 'e.png']
    assert anchors(page) == {'a', 'f-g'}
