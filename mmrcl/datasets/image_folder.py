"""A plain folder of images, without labels or an annotation file."""

from collections.abc import Sequence
from os.path import dirname, expanduser, join, realpath
from typing import Any

from mmengine.fileio import get_file_backend
from mmpretrain.datasets.custom import get_samples

from mmrcl.registry import DATASETS, own_scope

from .class_folders import CustomDataset

__all__ = ['ImageFolder']

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp')


@DATASETS.register_module()
class ImageFolder(CustomDataset):
    """All images below a folder, at any depth, sorted by their relative path.

    This is :class:`CustomDataset` without labels, with clearer errors.
    The order, and with it every ``sample_idx``, depends only on the file names.
    Suffixes match in any case, links are followed, hidden files and folders
    (name begins with a dot) are skipped.

    Args:
        data_root: The folder; '~' stands for the home folder.
        data_prefix: A folder below ``data_root``; '' takes ``data_root`` itself.
        extensions: Suffixes of image files.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``, such as
            ``pipeline``.

    Raises:
        ValueError: If no folder is set, it is missing, it has no image, it
            cannot be listed, or links reach one folder twice, which would
            duplicate its images.
    """

    def __init__(
        self,
        data_root: str = '',
        data_prefix: str = '',
        extensions: Sequence[str] = SUFFIXES,
        **kwargs: Any,
    ) -> None:
        if not (data_root or data_prefix):
            raise ValueError('ImageFolder has no folder to read: set data_root to your images')
        with own_scope():
            super().__init__(
                data_root=expanduser(data_root),
                data_prefix=data_prefix,
                with_label=False,
                extensions=extensions,
                **kwargs,
            )

    def _find_samples(self) -> list[str]:
        folder = self.img_prefix
        if not get_file_backend(folder).isdir(folder):
            raise ValueError(
                f'ImageFolder: {folder!r} is not a folder: set data_root, and data_prefix below '
                'it, to where the images are'
            )
        try:
            samples, _ = get_samples(folder, None, is_valid_file=self.is_valid_file)
        except OSError as error:  # It names the path.
            raise ValueError(f'ImageFolder: {folder!r} cannot be listed: {error}') from error
        if not samples:
            raise ValueError(
                f'ImageFolder: no image below {folder!r} with a suffix of '
                f'{", ".join(sorted(self.extensions))}: pass another folder, or set extensions if '
                'yours differs'
            )
        _check_reached_once(folder, samples)
        return samples


def _check_reached_once(root: str, samples: Sequence[str]) -> None:
    reached_as: dict[str, str] = {}
    for folder in sorted({dirname(sample) for sample in samples}):
        target = realpath(join(root, folder))
        if target in reached_as:
            raise ValueError(
                f'ImageFolder: {reached_as[target] or "."!r} and {folder!r} below {root!r} are '
                'the same folder, so its images would count twice: remove the link'
            )
        reached_as[target] = folder
