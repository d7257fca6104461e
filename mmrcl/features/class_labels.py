"""True classes of a data set, for evaluation only."""

from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from mmrcl.progress import progress


def classes_of(dataset: Any) -> Tensor | None:
    """Return the classes of all images, shape (N,), or None if an image has none or several.

    Args:
        dataset: a data set with ``get_data_info``, as in OpenMMLab, or a wrapper of one.
    """
    inner = getattr(dataset, 'dataset', dataset)
    if len(inner) and _class_of(inner, 0) is None:  # before the title of the progress
        return None
    classes = []
    for index in progress(range(len(inner)), 'Reading the classes'):
        found = _class_of(inner, index)
        if found is None:
            return None
        classes.append(found)
    return torch.tensor(classes)


def _class_of(dataset: Any, index: int) -> int | None:
    found = dataset.get_data_info(index).get('gt_label')
    # An int or, in mmpretrain's FashionMNIST, a zero-dimensional array.
    if isinstance(found, Integral) or getattr(found, 'ndim', None) == 0:
        return int(found)
    return None
