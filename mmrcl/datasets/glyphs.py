"""Characters in many fonts, as ``tools/data/draw_glyphs.py`` draws them."""

import os
import zipfile
import zlib
from typing import Any

import numpy as np
from mmpretrain.datasets import BaseDataset

from mmrcl.registry import DATASETS

__all__ = ['Glyphs']

SPLITS = ('train', 'test')


@DATASETS.register_module()
class Glyphs(BaseDataset):
    """Glyphs of free fonts, read from the ``glyphs.npz`` of ``tools/data/draw_glyphs.py``.

    A class is a character. The splits share no font, and no family of fonts. The images are in
    random order, so the first ones (``indices``) are a random part.

    The metainfo has ``classes`` and ``class_hierarchy``: for each coarser level, from fine to
    coarse, the number of the coarser class of each class, (3, num_classes) integers as a list of
    lists. The levels are the base character, without accent; the letter, without case; the script.

    An item has ``img``, (size, size) uint8, ``gt_label`` and ``sample_idx``, the item's position in
    the split. A pipeline needs no loading transform.

    Args:
        data_root: Folder of ``glyphs.npz``; '~' stands for the home folder.
        split: 'train' or 'test'.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``, such as ``pipeline`` and
            ``indices``.

    Raises:
        ValueError: If there is no such split, or the file is missing, damaged or another one.
    """

    def __init__(self, data_root: str, split: str = 'train', **kwargs: Any) -> None:
        if split not in SPLITS:
            raise ValueError(f'Glyphs has no split {split!r}: set split to one of {SPLITS}')
        self.split = split
        self.file = os.path.join(os.path.expanduser(data_root), 'glyphs.npz')
        classes, hierarchy = self._read('classes', 'class_hierarchy')
        metainfo = {'classes': classes.tolist(), 'class_hierarchy': hierarchy.tolist()}
        super().__init__(ann_file='', metainfo=metainfo, **kwargs)

    def load_data_list(self) -> list[dict]:
        """Load image and label of every glyph in the split."""
        images, labels = self._read(f'{self.split}_images', f'{self.split}_labels')
        pairs = zip(images, labels.tolist(), strict=True)
        return [{'img': image, 'gt_label': label} for image, label in pairs]

    def extra_repr(self) -> list[str]:
        """Name the file and the split in the printed form."""
        return [f'File: \t{self.file}', f'Split: \t{self.split}']

    def _read(self, *names: str) -> list[np.ndarray]:
        if not os.path.isfile(self.file):
            raise ValueError(
                f'Glyphs: {self.file!r} does not exist: set data_root, or draw it by '
                '`python tools/data/draw_glyphs.py --fonts FOLDER --out DATA_ROOT` '
                '(configs/ablations/README.md)'
            )
        try:
            # np.load takes what is no archive for a pickle, or for one array.
            with zipfile.ZipFile(self.file), np.load(self.file) as arrays:
                if missing := [name for name in names if name not in arrays]:
                    raise ValueError(f'it has no {missing[0]}')
                return [arrays[name] for name in names]
        except (EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(
                f'Glyphs: {self.file!r} cannot be read: {error}. Draw it anew by '
                '`python tools/data/draw_glyphs.py`'
            ) from error
