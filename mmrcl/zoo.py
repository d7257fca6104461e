"""Location of configs, tools and model index, in a checkout and in an installed package."""

from pathlib import Path

__all__ = ['mim_folder']


def mim_folder() -> Path:
    """Return the folder that holds ``configs``, ``tools`` and ``model-index.yml``.

    This is ``mmrcl/.mim``, where OpenMMLab's tools look for them: ``mim train mmrcl ...``, a base
    ``mmrcl::rcl/...`` and :func:`mmengine.hub.get_config`. A wheel carries copies there, a
    checkout has links to its own ``configs``, ``tools`` and ``model-index.yml``.

    Raises:
        FileNotFoundError: for an incomplete installation.
    """
    folder = Path(__file__).with_name('.mim')
    # A link that was checked out as a text file has nothing below it.
    needed = ('configs/rcl', 'tools/train.py', 'model-index.yml')
    missing = [name for name in needed if not (folder / name).exists()]
    if missing:
        raise FileNotFoundError(
            f'{folder} lacks {", ".join(missing)}: reinstall mmrcl, from a wheel or from a '
            'checkout with symbolic links (git config core.symlinks true)'
        )
    return folder
