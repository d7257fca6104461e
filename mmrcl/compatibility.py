"""The versions that the tests ran with, and a warning for others.

docs/compatibility.md tells which tests ran with which versions. A version from outside may well
work, so nothing is refused.
"""

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from multiprocessing import current_process
from typing import NamedTuple

__all__ = ['TRIED', 'Tried', 'UntriedVersionWarning', 'describe_untried', 'warn_if_untried']


class UntriedVersionWarning(UserWarning):
    """Says which installed packages are older or newer than those that mmrcl was tried with."""


class Tried(NamedTuple):
    """Oldest and newest version of a package that the tests ran with.

    Attributes:
        distributions: names under which pip knows the package; the first is what mmrcl asks for.
        oldest: a version.
        newest: a version.
    """

    distributions: tuple[str, ...]
    oldest: str
    newest: str


TRIED = (
    Tried(('torch',), '2.4.0', '2.12.1'),
    Tried(('torchvision',), '0.19.0', '0.27.1'),
    Tried(('onedl-mmengine', 'mmengine', 'mmengine-lite'), '0.10.12', '0.10.12'),
    Tried(('onedl-mmcv', 'mmcv', 'mmcv-lite'), '2.3.6', '2.3.6'),
    Tried(('onedl-mmpretrain', 'mmpretrain'), '1.3.6', '1.3.6'),
    Tried(('onedl-mmdetection', 'mmdet'), '3.5.1', '3.5.1'),
    Tried(('numpy',), '2.2.6', '2.4.6'),
    Tried(('scikit-learn',), '1.9.1', '1.9.1'),
    Tried(('pt-kmeans',), '0.9.2', '0.9.2'),
)


def warn_if_untried() -> None:
    """Warn of installed versions outside of :data:`TRIED`, in the main process of a run alone.

    Reads the metadata of the installed packages and imports none of them.
    """
    # A spawned worker has no parent_process() yet when it imports the main module anew.
    if current_process().name != 'MainProcess' or not _is_first_rank(os.environ):
        return
    sentence = describe_untried(_installed_versions())
    if sentence:
        warnings.warn(sentence, UntriedVersionWarning, stacklevel=3)


def describe_untried(installed: Mapping[str, str], tried: Iterable[Tried] = TRIED) -> str:
    """A sentence on the versions outside of what was tried, empty where there are none.

    A patch release counts as its minor one: with 2.4.0 to 2.12.1 tried, 2.12.9 is inside and
    2.13.0 outside.

    Args:
        installed: version by name of the distribution; a package that is not there is passed over.
        tried: what to hold them against.
    """
    outside = [
        f'{name} {installed[name]} (tried: {_range(package)})'
        for package in tried
        for name in package.distributions
        if name in installed and not _is_inside(installed[name], package)
    ]
    if not outside:
        return ''
    return f'mmrcl was not tried with {", ".join(outside)}; docs/compatibility.md tells more'


def _range(package: Tried) -> str:
    if package.oldest == package.newest:
        return package.oldest
    return f'{package.oldest} to {package.newest}'


def _is_inside(version: str, package: Tried) -> bool:
    return _minor(package.oldest) <= _minor(version) <= _minor(package.newest)


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r'\d+', version)[:2])


def _installed_versions() -> dict[str, str]:
    names = [name for package in TRIED for name in package.distributions]
    versions = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    # A broken installation may have metadata without a version.
    return {name: version for name, version in versions.items() if version}


def _is_first_rank(environment: Mapping[str, str]) -> bool:
    # Set by torch's launcher and by Slurm for each process that they start.
    ranks = ('RANK', 'LOCAL_RANK', 'SLURM_PROCID')
    return all(environment.get(name, '0') == '0' for name in ranks)
