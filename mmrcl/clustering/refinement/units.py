"""The part of a hierarchy that a refinement reads, one level at a time."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..segments import Groups, segment_sum


class Units(NamedTuple):
    """Clusters of one level (level 1: images), the building blocks of the level above.

    Attributes:
        names: first image of each unit, ascending, shape (u,).
        of_image: unit of each image of the refinement, shape (n,).
        sizes: number of images of each unit, shape (u,).
        table: vectors, shape (any, d).
        rows: row of the table with the sum of each unit's images, shape (u,).
    """

    names: Tensor
    of_image: Tensor
    sizes: Tensor
    table: Tensor
    rows: Tensor

    def centers(self, chosen: Tensor) -> Tensor:
        r"""Normalise the sums of the units ``chosen``, of any shape, to shape (\*chosen, d)."""
        vectors = self.table[self.rows[chosen]]
        return normalize(vectors.to(torch.promote_types(vectors.dtype, torch.float32)), dim=-1)

    def joined(self, groups: Groups) -> 'Units':
        """Merge each group of units into one unit; groups are in the order of their names."""
        sums = segment_sum(self.table, self.rows, groups)
        first = groups.order[groups.starts]
        return Units(
            names=self.names[first],
            of_image=groups.inverse[self.of_image],
            sizes=torch.zeros_like(groups.counts).index_add_(0, groups.inverse, self.sizes),
            table=sums,
            rows=torch.arange(len(sums), device=sums.device),
        )


def image_units(images: Tensor, bank: Tensor) -> Units:
    """Build the units of level 2 from ``images`` (n,), ascending, and their ``bank`` (N, d)."""
    order = torch.arange(len(images), device=images.device)
    return Units(images, order, torch.ones_like(images), bank, images)
