"""Labelled images in class folders, without what is hidden: mmpretrain's data sets, stricter."""

from collections.abc import Mapping, Sequence

import mmpretrain.datasets
from mmengine.logging import MMLogger
from mmpretrain.datasets.custom import find_folders, get_samples

from mmrcl.registry import DATASETS

__all__ = ['CustomDataset', 'ImageNet', 'ImageNet21k', 'check_class_numbers']


@DATASETS.register_module()
class CustomDataset(mmpretrain.datasets.CustomDataset):
    """mmpretrain's ``CustomDataset`` whose class numbers stand for names that can be compared.

    - Files and folders whose names begin with a dot are skipped. mmpretrain numbers a hidden folder
      as a class, which shifts the labels of all classes after it.
    - With ``classes``, a folder's label is the position of its name there, and classes may lack a
      folder. So ``classes`` gives two data sets the same labels. Other names, as ImageNet's, stay
      names for the sorted folders, whose number must then match.
    - ``folder_to_idx`` holds the label of each class folder. For an annotation file it is read
      from the paths, and empty if folders are no classes.

    Raises:
        ValueError: If there is no image, or folders, labels and ``classes`` do not fit.
    """

    def is_valid_file(self, filename: str) -> bool:
        """Return whether a file, given by its path below a folder, is an image."""
        hidden = any(part.startswith('.') for part in filename.split('/'))
        return not hidden and super().is_valid_file(filename)

    def load_data_list(self) -> list[dict]:
        """Load paths and labels, and check the labels of an annotation file."""
        images: list[dict] = super().load_data_list()
        if self.ann_file and self.with_label:
            labels = {image['gt_label'] for image in images}
            check_class_numbers(labels, self.CLASSES, self.ann_file)
            files = [image['img_path'].removeprefix(self.img_prefix) for image in images]
            self.folder_to_idx = _labels_of_folders(files, [each['gt_label'] for each in images])
        return images

    def _find_samples(self) -> list:
        if not self.with_label:
            return super()._find_samples()
        found, _ = find_folders(self.img_prefix)
        folders = [name for name in found if not name.startswith('.')]
        self.folder_to_idx = _number(folders, self.CLASSES, self.img_prefix)
        if self.CLASSES is None:
            self._metainfo['classes'] = tuple(folders)
        present = {name: self.folder_to_idx[name] for name in folders}
        samples, empty = get_samples(self.img_prefix, present, is_valid_file=self.is_valid_file)
        suffixes = ', '.join(sorted(self.extensions))
        if not samples:
            raise ValueError(
                f'no image in the class folders of {self.img_prefix!r} with a suffix of '
                f'{suffixes}: set data_root to the folder that holds the class folders'
            )
        if empty:
            MMLogger.get_current_instance().warning(
                f'{self.img_prefix}: no image in the class folders {", ".join(sorted(empty))} '
                f'with a suffix of {suffixes}; each is a class all the same'
            )
        return samples


@DATASETS.register_module()
class ImageNet(CustomDataset, mmpretrain.datasets.ImageNet):
    """mmpretrain's ``ImageNet`` with the checks of :class:`CustomDataset`."""


@DATASETS.register_module()
class ImageNet21k(CustomDataset, mmpretrain.datasets.ImageNet21k):
    """mmpretrain's ``ImageNet21k`` with the checks of :class:`CustomDataset`."""


def _number(folders: Sequence[str], classes: Sequence[str] | None, root: str) -> dict[str, int]:
    """Return the label of each class that is a folder's name, or of each folder."""
    unknown = sorted(set(folders) - set(classes or ()))
    if classes is None or (len(unknown) == len(folders) == len(classes)):
        return {name: label for label, name in enumerate(folders)}
    if unknown:
        raise ValueError(
            f'{root!r} has {len(folders)} class folders, classes has {len(classes)} names, without '
            f'{", ".join(unknown[:3])}: list the names of the folders in classes, or remove the '
            'folders'
        )
    return {name: label for label, name in enumerate(classes)}


def check_class_numbers(labels: set[int], classes: Sequence[str] | None, file: str) -> None:
    """Reject labels that are no class numbers.

    Args:
        labels: the different ones.
        classes: names of all classes, None if unknown.
        file: where the labels are from.

    Raises:
        ValueError: with the limits.
    """
    if min(labels, default=0) < 0 or (
        classes is not None and max(labels, default=0) >= len(classes)
    ):
        limit = 'of 0 or more' if classes is None else f'from 0 to {len(classes) - 1}'
        raise ValueError(
            f'{file} has labels from {min(labels)} to {max(labels)}, its classes need labels '
            f'{limit}: correct the file, or name all classes in classes'
        )


def _labels_of_folders(files: Sequence[str], labels: Sequence[int]) -> Mapping[str, int]:
    """Return the label of each first folder, or nothing if one has several."""
    found: dict[str, int] = {}
    for file, label in zip(files, labels, strict=True):
        folder, _, below = file.lstrip('/').partition('/')
        if not below or found.setdefault(folder, label) != label:
            return {}
    return found
