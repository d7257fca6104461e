"""True classes of a data set, for evaluation and as an upper bound of criteria."""

from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from mmrcl.arguments import check_levels
from mmrcl.clustering import canonical_labels
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


def class_hierarchy_of(dataset: Any) -> Tensor | None:
    """Return the coarser classes of each class, or None if the data set knows none.

    A data set has them as ``class_hierarchy`` in its metainfo: for each coarser level, fine to
    coarse, the number of the coarser class of each class.

    Args:
        dataset: a data set with ``metainfo``, as in OpenMMLab, or a wrapper of one.

    Returns:
        Numbers of the coarser classes, shape (levels, num_classes).

    Raises:
        TypeError: if they are no integers.
        ValueError: for another shape, or if two classes of one coarser class are of different ones
            at a level above it.
    """
    metainfo = getattr(dataset, 'metainfo', {})
    if metainfo.get('class_hierarchy') is None:
        return None
    hierarchy = check_levels(metainfo['class_hierarchy'], 'class_hierarchy').long()
    names = metainfo.get('classes') or range(hierarchy.shape[1])
    if len(names) != hierarchy.shape[1]:
        raise ValueError(
            f'class_hierarchy of the data set has {hierarchy.shape[1]} columns, but there are '
            f'{len(names)} classes: give each class its coarser class at every level'
        )
    for level, (fine, coarse) in enumerate(zip(hierarchy, hierarchy[1:], strict=False)):
        first = canonical_labels(fine)  # of each class, the first class of its coarser one
        torn = (coarse[first] != coarse).nonzero().flatten()
        if len(torn):
            pair = ' and '.join(str(names[int(each)]) for each in (first[torn[0]], torn[0]))
            raise ValueError(
                f'class_hierarchy of the data set does not nest: {pair} are of one class in row '
                f'{level}, but not in row {level + 1}'
            )
    return hierarchy


def with_coarser(classes: Tensor | None, dataset: Any) -> Tensor | None:
    """Return classes (N,) and below them the coarser ones, shape (1 + levels, N).

    Without a class hierarchy of the data set, or without classes, the classes as they are.

    Raises:
        ValueError: for a hierarchy that is wrong or lacks a class.
    """
    hierarchy = class_hierarchy_of(dataset)
    if classes is None or hierarchy is None:
        return classes
    if int(classes.max()) >= hierarchy.shape[1]:
        raise ValueError(
            f'class_hierarchy of the data set has {hierarchy.shape[1]} columns, but an image is of '
            f'class {int(classes.max())}: give each class its coarser class at every level'
        )
    return torch.cat([classes[None], hierarchy.to(classes)[:, classes]])


def _class_of(dataset: Any, index: int) -> int | None:
    found = dataset.get_data_info(index).get('gt_label')
    # An int or, in mmpretrain's FashionMNIST, a zero-dimensional array.
    if isinstance(found, Integral) or getattr(found, 'ndim', None) == 0:
        return int(found)
    return None
