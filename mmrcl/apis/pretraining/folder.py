"""What a folder of images holds, by the headers of its files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmrcl.datasets import ImageFolder, ImageHeader, UnreadableImageError, read_header
from mmrcl.errors import ConfigError
from mmrcl.progress import progress

from .defaults import DEFAULTS, Defaults
from .labels import by_class_folders, read_labels, split_by_class

__all__ = ['FolderFacts', 'image_files', 'look_at_folder']


class FolderFacts(NamedTuple):
    """What a folder of N images holds; shares are of the readable images looked at.

    Attributes:
        root: the folder.
        files: paths of the images below it, in the order of :class:`mmrcl.datasets.ImageFolder`.
        looked_at: images whose header was read, evenly spaced over all.
        sides: shorter side of the readable ones, in pixels, ascending.
        longest: longest side of them, in pixels.
        gray: share without colours, in [0, 1].
        transparent: share with transparency, in [0, 1].
        unreadable: what is wrong with each unreadable one.
        classes: class of each image, None where unknown; or None without labels.
    """

    root: str
    files: list[str]
    looked_at: int
    sides: list[int]
    longest: int
    gray: float
    transparent: float
    unreadable: list[str]
    classes: Sequence[str | None] | None = None

    @property
    def half(self) -> int:
        """Shorter side that half of the images have at least, in pixels."""
        return self.sides[len(self.sides) // 2]

    def __str__(self) -> str:
        """Format one line."""
        about = [f'{len(self.files):,} images']
        about.append(f'shorter side {self.sides[0]} to {self.sides[-1]} pixels, median {self.half}')
        for share, what in ((self.gray, 'grey'), (self.transparent, 'with transparency')):
            if share:
                about.append(f'{share:.0%} {what}')
        if self.unreadable:
            about.append(f'{len(self.unreadable)} of {self.looked_at:,} looked at unreadable')
        if self.classes is not None:
            about.append(f'{len(set(self.classes) - {None})} classes')
        return ', '.join(about)


def image_files(folder: str | Path) -> list[str]:
    """Return the paths of all images below a folder, relative to it, sorted.

    Raises:
        ConfigError: if it does not exist, is a file, holds no image, or one whose name no text file
            can list.
    """
    root = os.path.expanduser(folder)
    if not os.path.exists(root):
        raise ConfigError(f'folder {folder} does not exist: pass the folder of your images')
    if not os.path.isdir(root):
        raise ConfigError(f'{folder} is a file: pass the folder that holds your images')
    try:
        images = ImageFolder(data_root=root)
    except ValueError as error:
        raise ConfigError(error) from error
    prefix = os.path.join(root, '')
    paths = (images.get_data_info(place)['img_path'] for place in range(len(images)))
    files = [path.removeprefix(prefix) for path in paths]
    if odd := next((file for file in files if not _is_line(file)), None):
        raise ConfigError(
            f'{folder} has the image {odd!r}, whose name is not UTF-8 or has a line break or tab: '
            'rename it'
        )
    return files


def _is_line(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return set(name).isdisjoint('\t\n\r')


def look_at_folder(
    folder: str, labels: str | None = None, defaults: Defaults = DEFAULTS
) -> FolderFacts:
    """Read the headers of the images of a folder, or of a sample, and show progress.

    Args:
        folder: the folder, searched at any depth.
        labels: file of labels, see :func:`~mmrcl.apis.pretraining.labels.read_labels`; by default
            class folders are labels.
        defaults: the table of numbers.

    Raises:
        ConfigError: for a folder or images that cannot be trained on, and for labels that do not
            fit.
    """
    files = image_files(folder)
    if len(files) < defaults.fewest_images:
        raise ConfigError(
            f'{folder} has {len(files)} images: at least {defaults.fewest_images} are needed, and '
            'a useful encoder needs thousands'
        )
    classes = by_class_folders(files, defaults) if labels is None else read_labels(labels, files)
    if classes is not None and not len(split_by_class(classes, defaults).queries):
        raise ConfigError(
            f'--labels {labels}: no class has {defaults.held_out} images, so that kNN could score '
            'one of them: label more images, or leave --labels out'
        )
    sample = np.unique(np.linspace(0, len(files) - 1, min(len(files), defaults.sampled), dtype=int))
    headers, faults = list[ImageHeader](), list[str]()
    for place in progress(sample.tolist(), 'Looking at the images'):
        try:
            headers.append(read_header(os.path.join(folder, files[place])))
        except UnreadableImageError as error:
            faults.append(str(error))
    if not headers:
        raise ConfigError(
            f'none of {len(faults)} files of {folder} can be read, such as {faults[0]}'
        )
    facts = FolderFacts(
        root=folder,
        files=files,
        looked_at=len(sample),
        sides=sorted(min(each.width, each.height) for each in headers),
        longest=max(max(each.width, each.height) for each in headers),
        gray=sum(each.gray for each in headers) / len(headers),
        transparent=sum(each.transparent for each in headers) / len(headers),
        unreadable=faults,
        classes=classes,
    )
    if facts.half < defaults.smallest_side:
        raise ConfigError(
            f'half of the images of {folder} are less than {defaults.smallest_side} pixels wide or '
            f'high (median {facts.half}): pass larger images'
        )
    return facts
