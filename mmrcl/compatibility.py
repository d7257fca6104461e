"""Tested versions of the dependencies, and a warning for others.

docs/compatibility.md lists which tests ran with which versions. An untested version may well work,
so nothing is refused.
"""

import os
import re
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from multiprocessing import current_process
from typing import NamedTuple

__all__ = [
    'TESTED',
    'UntestedVersionWarning',
    'VersionRange',
    'describe_untested',
    'warn_if_untested',
]


class UntestedVersionWarning(UserWarning):
    """Warning about installed packages older or newer than the tested versions."""


class VersionRange(NamedTuple):
    """Oldest and newest tested version of a package.

    Attributes:
        distributions: names of the package on pip; the first is the one that mmrcl requires.
        oldest: a version.
        newest: a version.
    """

    distributions: tuple[str, ...]
    oldest: str
    newest: str


TESTED = (
    VersionRange(('torch',), '2.4.0', '2.15.0'),
    VersionRange(('torchvision',), '0.19.0', '0.29.2'),
    VersionRange(('onedl-mmengine', 'mmengine', 'mmengine-lite'), '0.10.12', '0.10.12'),
    VersionRange(('onedl-mmcv', 'mmcv', 'mmcv-lite'), '2.3.6', '2.3.6'),
    VersionRange(('onedl-mmpretrain', 'mmpretrain'), '1.3.6', '1.3.6'),
    VersionRange(('onedl-mmdetection', 'mmdet'), '3.5.1', '3.5.1'),
    VersionRange(('numpy',), '2.2.6', '2.5.5'),
    VersionRange(('scikit-learn',), '1.9.1', '1.9.1'),
    VersionRange(('pt-kmeans',), '0.9.2', '0.9.2'),
)


def warn_if_untested() -> None:
    """Warn about installed versions outside :data:`TESTED`, only in the main process of a run.

    Reads the metadata of the installed packages and imports none of them.
    """
    # A spawned worker has no parent_process() yet when it imports the main module again.
    if current_process().name != 'MainProcess' or not _is_first_rank(os.environ):
        return
    sentence = describe_untested(_installed_versions())
    if sentence:
        warnings.warn(sentence, UntestedVersionWarning, stacklevel=3)


def describe_untested(installed: Mapping[str, str], tested: Iterable[VersionRange] = TESTED) -> str:
    """Return a sentence that lists the untested versions, empty if there are none.

    Only major and minor version are compared: with 2.4.0 to 2.12.1 tested, 2.12.9 is inside and
    2.13.0 outside.

    Args:
        installed: version by name of the distribution; missing packages are ignored.
        tested: the ranges to compare with.
    """
    outside = [
        f'{name} {installed[name]} (tested: {_range(package)})'
        for package in tested
        for name in package.distributions
        if name in installed and not _is_inside(installed[name], package)
    ]
    if not outside:
        return ''
    return f'mmrcl was not tested with {", ".join(outside)}; see docs/compatibility.md'


def _range(package: VersionRange) -> str:
    if package.oldest == package.newest:
        return package.oldest
    return f'{package.oldest} to {package.newest}'


def _is_inside(version: str, package: VersionRange) -> bool:
    return _minor(package.oldest) <= _minor(version) <= _minor(package.newest)


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r'\d+', version)[:2])


def _installed_versions() -> dict[str, str]:
    names = [name for package in TESTED for name in package.distributions]
    versions = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    # A broken installation may have metadata without a version.
    return {name: version for name, version in versions.items() if version}


def _is_first_rank(environment: Mapping[str, str]) -> bool:
    # torch's launcher and Slurm set these for each process that they start.
    ranks = ('RANK', 'LOCAL_RANK', 'SLURM_PROCID')
    return all(environment.get(name, '0') == '0' for name in ranks)
