"""True classes as a clustering source."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmrcl.arguments import check_levels, check_tensor

from ..sharing import Progress, silent


class ClassSource:
    """True classes at the levels above the images: an upper bound for criteria from clusters.

    The classes may be a hierarchy of C columns, the finest first. Then levels 2, 3, ... take one
    column each, and further levels repeat the coarsest. Set one of the two arguments.

    Args:
        num_levels: H, the images included.
        columns: ascending positions of the columns that levels 2..H take.

    Raises:
        ValueError: for both arguments or none, no columns, or columns that do not ascend.
    """

    nested = True

    def __init__(self, num_levels: int | None = None, columns: Sequence[int] | None = None) -> None:
        if (num_levels is None) == (columns is None):
            raise ValueError('ClassSource: set num_levels, or columns to choose a column per level')
        if columns is not None and (
            list(columns) != sorted(columns) or min(columns, default=-1) < 0
        ):
            raise ValueError(
                f'ClassSource: columns={list(columns)} must ascend from 0, the classes themselves, '
                'and be one per level above the images'
            )
        self.num_levels = num_levels
        self.columns = columns

    def __call__(
        self, features: Tensor, classes: Tensor | None = None, progress: Progress = silent
    ) -> Tensor:
        """Choose from ``classes`` of shape (N,) or (C, N) the labels of shape (H - 1, N).

        Raises:
            ValueError: without classes, for those of other images, or a missing column.
        """
        if classes is None:
            raise ValueError(
                'ClassSource needs the true classes: use a data set whose samples have gt_label'
            )
        features = check_tensor(features, 'features')
        found = check_levels(torch.atleast_2d(check_tensor(classes, 'classes')), 'classes')
        if found.shape[1] != len(features):
            raise ValueError(
                f'classes have {found.shape[1]} rows, but there are {len(features)} images'
            )
        return found.to(features.device)[self._chosen(len(found))]

    def _chosen(self, available: int) -> list[int]:
        if self.columns is None:
            return [min(level, available - 1) for level in range((self.num_levels or 1) - 1)]
        if max(self.columns) >= available:
            raise ValueError(
                f'ClassSource: columns={list(self.columns)} do not exist, for the classes have '
                f'{available}: choose others, or set class_hierarchy in the metainfo of the data '
                'set'
            )
        return list(self.columns)
