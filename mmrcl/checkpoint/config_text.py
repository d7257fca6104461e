"""Configs that checkpoints hold as Python text, parsed without executing them."""

import ast
import contextlib
from typing import Any

from mmengine.config import Config


def config_from_text(text: str) -> Config:
    """Parse the text of a config, as mmengine writes it into ``meta['cfg']``.

    It may assign literals, and ``dict`` called with keywords, to names. Nothing is executed or
    imported, ``custom_imports`` included.

    Raises:
        ValueError: for any other Python.
    """
    try:
        return Config(dict(map(_setting, ast.parse(text).body)))
    # ast raises the first two for text that is nested too deeply.
    except (MemoryError, RecursionError, KeyError, SyntaxError, ValueError) as error:
        raise ValueError(
            f'the config in the checkpoint is more than plain settings ({error}): pass the config '
            'by --config, or config= in Python'
        ) from error


def _setting(line: ast.stmt) -> tuple[str, Any]:
    match line:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            with contextlib.suppress(TypeError, ValueError):
                return name, ast.literal_eval(_DictCalls().visit(value))
    raise ValueError(f'line {line.lineno}')


class _DictCalls(ast.NodeTransformer):
    """Replace ``dict(key=value)`` by ``{'key': value}``."""

    def visit_Call(self, call: ast.Call) -> ast.AST:
        self.generic_visit(call)
        match call:
            case ast.Call(func=ast.Name(id='dict'), args=[ast.Dict() as mapping], keywords=[]):
                return mapping
            case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
                # A keyword without a name is **mapping, which a dict has without a key too.
                names: list[ast.expr | None] = [
                    ast.Constant(word.arg) if word.arg else None for word in keywords
                ]
                return ast.Dict(names, [word.value for word in keywords])
        return call
