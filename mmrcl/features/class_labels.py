"""True classes of a data set, for measures alone."""

from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from mmrcl.progress import progress


def classes_of(dataset: Any) -> Tensor | None:
    """Classes of all images, shape (N,), or None where one has none or several.

    Args:
        dataset: with ``get_data_info``, as OpenMMLab's are, or one wrapped around such.
    """
    inner = getattr(dataset, 'dataset', dataset)
    classes = []
    for index in progress(range(len(inner)), 'Reading the classes'):
        found = inner.get_data_info(index).get('gt_label')
        # An int or, of mmpretrain's FashionMNIST, an array of no dimension.
        if not isinstance(found, Integral) and getattr(found, 'ndim', None) != 0:
            return None
        classes.append(int(found))
    return torch.tensor(classes)
