"""Scikit-learn's handwritten digits: real images that need no download."""

from typing import Any

import mmcv
import numpy as np
from mmpretrain.datasets import BaseDataset
from sklearn.datasets import load_digits

from mmrcl.registry import DATASETS

__all__ = ['Digits']

SPLITS = ('train', 'test', 'all')


@DATASETS.register_module()
class Digits(BaseDataset):
    """The 1,797 handwritten digits of 8 x 8 pixels included in scikit-learn.

    The test split is the last fifth of each class in scikit-learn's order, the
    train split the rest. That is harder than a random split, perhaps because the
    order keeps a writer's digits together: 5-nearest neighbours on raw pixels
    score 96.3 %, but 98.6 % if every fifth image is the test.

    ======  ======  ===============================================
    split   images  of the classes 0 to 9
    ======  ======  ===============================================
    train   1442    143 146 142 147 145 146 145 144 140 144
    test    355     35 36 35 36 36 36 36 35 34 36
    all     1797    178 182 177 183 181 182 181 179 174 180
    ======  ======  ===============================================

    An item has ``img``, (8, 8) or (scale, scale) uint8 with the source's 0 to 16
    scaled to 0 to 255 (a bright digit on black), ``gt_label`` and ``sample_idx``,
    the item's position in the split. A pipeline needs no loading transform.

    Args:
        split: 'train', 'test' or 'all'.
        scale: Height and width in pixels to which the images are enlarged by
            bicubic interpolation, once for all; None leaves them as they are.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``, such as
            ``pipeline``.

    Raises:
        ValueError: If there is no such split, or a scale below 1.
    """

    METAINFO = {'classes': tuple('0123456789')}

    def __init__(self, split: str = 'train', scale: int | None = None, **kwargs: Any) -> None:
        if split not in SPLITS:
            raise ValueError(f'Digits has no split {split!r}: set split to one of {SPLITS}')
        if scale is not None and scale < 1:
            raise ValueError(f'Digits: scale={scale} must be at least 1, or None')
        self.split = split
        self.scale = scale
        super().__init__(ann_file='', **kwargs)

    def load_data_list(self) -> list[dict]:
        """Load image and label of every digit in the split, in scikit-learn's order."""
        digits = load_digits()
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        if self.scale is not None:
            size = (self.scale, self.scale)
            images = [mmcv.imresize(each, size, interpolation='bicubic') for each in images]
        chosen = np.flatnonzero(_split_mask(digits.target, self.split))
        return [{'img': images[i], 'gt_label': int(digits.target[i])} for i in chosen]

    def extra_repr(self) -> list[str]:
        """Name the split in the printed form."""
        return [f'Split: \t{self.split}']


def _split_mask(targets: np.ndarray, split: str) -> np.ndarray:
    is_test = np.zeros(len(targets), dtype=bool)
    for label in np.unique(targets):
        members = np.flatnonzero(targets == label)
        is_test[members[len(members) - len(members) // 5 :]] = True
    return {'train': ~is_test, 'test': is_test, 'all': np.ones_like(is_test)}[split]
