"""Errors of parts that are built from a config, as one sentence for the user."""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.registry import Registry, root

from mmrcl.errors import ConfigError

_UNKNOWN = re.compile(r"([^\s\"']+) is not in the (?:\w+::)?([\w ]+?) registry\. Please check")
# mmengine adds the hook in which an error occurred.
_IN_HOOK = re.compile(r' in <[\w.]+ object at 0x[0-9a-f]+>$')


@contextmanager
def setting_errors() -> Iterator[None]:
    """Raise what fails while parts are built and checked, before any training, as ConfigError."""
    try:
        yield
    except (ImportError, KeyError, OSError, TypeError, ValueError) as error:
        raise ConfigError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    # str() of a KeyError is its message in quotes.
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    unknown = _UNKNOWN.search(text)
    text = _IN_HOOK.sub('', text)
    return text if unknown is None else unknown_type(*unknown.groups())


def unknown_type(name: str, kind: str) -> str:
    """Write the message for a type that is not registered as a ``kind``, such as ``'model'``."""
    close = difflib.get_close_matches(name, _registered(kind), n=1)
    hint = f'; did you mean {close[0]}?' if close else '.'
    return (
        f"type='{name}' is not in the registry of {kind}s{hint} A type of your own needs "
        'custom_imports=dict(imports=[...]) in the config'
    )


def _registered(kind: str) -> set[str]:
    """Return the names that OpenMMLab's packages and mmrcl register as a kind."""
    roots = [one for one in vars(root).values() if isinstance(one, Registry) and one.name == kind]
    return {name for one in roots for name in _names(one)}


def _names(registry: Registry) -> Iterator[str]:
    yield from registry.module_dict
    for child in registry.children.values():
        yield from _names(child)
