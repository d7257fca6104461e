"""docs/troubleshooting.md quotes mmrcl's own messages in bold code: they must be in the source."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / 'docs/troubleshooting.md'
# Stands for what differs between two occurrences of a message.
GAP = '...'


def text_of(node: ast.expr) -> str:
    """A string of the source, adjacent ones joined, with gaps where it has expressions."""
    if isinstance(node, ast.JoinedStr):
        return ''.join(text_of(part) for part in node.values)
    if isinstance(node, ast.Constant):
        return str(node.value)
    return GAP


def strings_of(path: Path) -> list[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return [text_of(node) for node in nodes if isinstance(node, (ast.JoinedStr, ast.Constant))]


@pytest.fixture(scope='module')
def said() -> list[str]:
    """All that mmrcl and its tools can say."""
    python = [path for folder in ('mmrcl', 'tools') for path in (ROOT / folder).rglob('*.py')]
    scripts = [path.read_text() for path in (ROOT / 'tools').glob('*.sh')]
    return [text for path in python for text in strings_of(path)] + scripts


def is_said(message: str, said: list[str]) -> bool:
    """Whether one string holds the parts of a message in their order."""
    pattern = re.compile('.*'.join(re.escape(part) for part in message.split(GAP)))
    return any(pattern.search(text) for text in said)


QUOTED = re.findall(r'\*\*`([^`]+)`\*\*', PAGE.read_text())


@pytest.mark.parametrize('message', QUOTED)
def test_a_quoted_message_is_in_the_source(message: str, said: list[str]):
    assert is_said(message, said)


def test_the_page_quotes_and_the_search_can_fail(said: list[str]):
    assert len(QUOTED) > 30
    assert not is_said('the loss of iteration ... is fine', said)
    assert not is_said('is not finite ... the loss of iteration', said)
