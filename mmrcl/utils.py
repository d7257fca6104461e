"""The entry point that mmengine's hub expects of a package."""

from importlib import import_module

__all__ = ['register_all_modules']


def register_all_modules() -> None:
    """Register the modules of mmrcl by name; :func:`mmengine.hub.get_model` calls this.

    Configs of mmrcl do not need it: their ``default_scope`` finds the registries, which import the
    modules on the first look-up.
    """
    import_module('mmrcl.registry')
