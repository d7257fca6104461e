"""The text of a config, with the reason of each choice above its setting."""

import textwrap
from collections.abc import Mapping
from typing import Any

from .choices import Choices

__all__ = ['config_text']

WIDTH = 100


def config_text(config: Mapping[str, Any], choices: Choices, head: str) -> str:
    """Return a config file: ``head`` as a comment, then all settings, with a comment per choice.

    Args:
        config: from :func:`build_config`.
        choices: each is explained above its setting.
        head: a line.
    """
    comments: dict[str, list[str]] = {}
    for name, choice in choices.items():
        comments.setdefault(choice.setting, []).append(f'{name} {choice.value}: {choice.reason}')
    lines = [f'# {head}', '']
    for key, value in config.items():
        lines += [*_explained(comments, key, ''), *_assigned(key, value, key, comments, '')]
    return '\n'.join([*lines, ''])


def _explained(comments: Mapping[str, list[str]], path: str, indent: str) -> list[str]:
    start = f'{indent}# '
    return [
        line
        for comment in comments.get(path, ())
        for line in textwrap.wrap(
            comment, WIDTH, initial_indent=start, subsequent_indent=start, break_on_hyphens=False
        )
    ]


def _assigned(
    key: str, value: Any, path: str, comments: Mapping[str, list[str]], indent: str, end: str = ''
) -> list[str]:
    """Return the lines of ``key = value``, or of the value alone for an item of a list."""
    equals = ' = ' if not indent else '='
    start = f'{indent}{key}{equals}' if key else indent
    line = f'{start}{_inline(value)}{end}'
    inner = any(setting.startswith(f'{path}.') for setting in comments)
    if not isinstance(value, (dict, list)) or (len(line) <= WIDTH and not inner):
        return [line]
    named = isinstance(value, dict)
    items = value.items() if isinstance(value, dict) else [('', item) for item in value]
    lines = [f'{start}dict(' if named else f'{start}[']
    for place, (name, item) in enumerate(items):
        below = f'{path}.{name if named else place}'
        deeper = f'{indent}    '
        lines += _explained(comments, below, deeper)
        lines += _assigned(name, item, below, comments, deeper, ',')
    return [*lines, f'{indent}{")" if named else "]"}{end}']


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return f'dict({", ".join(f"{key}={_inline(each)}" for key, each in value.items())})'
    if isinstance(value, list):
        return f'[{", ".join(map(_inline, value))}]'
    return repr(value)
