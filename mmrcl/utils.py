"""What mmengine's hub asks of a package."""

from importlib import import_module

__all__ = ['register_all_modules']


def register_all_modules() -> None:
    """Lets the parts of mmrcl be found by name; :func:`mmengine.hub.get_model` calls it.

    A config of mmrcl needs no such call: its ``default_scope`` finds the registries, and these
    import the parts when one is asked for.
    """
    import_module('mmrcl.registry')
