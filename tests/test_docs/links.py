"""Finds links inside the repository's Markdown that lead nowhere."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin


def markdown_files(root: Path) -> list[Path]:
    """Pages of the documentation, READMEs and the papers of the project."""
    patterns = ['*.md', '.github/**/*.md', 'configs/**/*.md', 'docs/**/*.md']
    found = (path for pattern in patterns for path in root.glob(pattern))
    return sorted(path for path in found if '_build' not in path.relative_to(root).parts)


@cache
def tokens(path: Path) -> list[Token]:
    """The parsed file, its headings with the ids that a Git host gives them."""
    parser = MarkdownIt('commonmark').enable('table').use(anchors_plugin, max_level=6)
    return parser.parse(path.read_text(encoding='utf-8'))


def anchors(path: Path) -> set[str]:
    return {str(token.attrs['id']) for token in tokens(path) if 'id' in token.attrs}


def links(path: Path) -> Iterator[str]:
    """Targets of links and images, but those with a scheme (https:, mailto:)."""
    for token in tokens(path):
        for part in token.children or []:
            target = str(part.attrGet('href') or part.attrGet('src') or '')
            if target and not urlsplit(target).scheme:
                yield target


def fault(path: Path, target: str, root: Path) -> str | None:
    """What is wrong with a link to ``target`` in the file ``path``."""
    parts = urlsplit(target)
    aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not aim.exists():
        return f'no file or folder {parts.path}'
    if not aim.is_relative_to(root):
        return f'{parts.path} is outside the repository'
    if parts.fragment and (aim.suffix != '.md' or unquote(parts.fragment) not in anchors(aim)):
        return f'no heading #{parts.fragment} in {aim.name}'
    return None


def broken_links(path: Path, root: Path) -> list[str]:
    faults = (fault(path, target, root) for target in links(path))
    return [f'{path.relative_to(root)}: {what}' for what in faults if what]
