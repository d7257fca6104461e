"""The CPC algorithm, contrastive predictive coding (Hénaff et al., ICML 2020)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.models.selfsup.base import BaseSelfSupervisor
from mmpretrain.structures import DataSample
from torch import Tensor

from mmrcl.registry import MODELS

from .parts import named_neck


@MODELS.register_module()
class CPC(BaseSelfSupervisor):
    """Predict the features of patches from those of other patches of the image (Sect. 2.1).

    An image is a grid of overlapping patches, each a view of its own that starts with a
    :class:`BatchPatch`. The encoder sees one patch at a time. Its norms must not mix patches, so
    they are layer norms, ``norm_cfg=dict(type='GN', num_groups=1)``: batch statistics would tell a
    patch of its neighbours (Sect. 3.1).

    Args:
        grid: rows and columns of patches.
        **kwargs: ``backbone``, ``neck``, ``head`` and others of mmpretrain's
            ``BaseSelfSupervisor``. The neck pools the maps of a patch, the head is a
            :class:`CPCHead`.

    Raises:
        ValueError: if the grid has no patch at the head's largest offset.
    """

    def __init__(self, grid: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows, self.columns = grid
        largest = max(self.head.offsets)
        if largest >= min(grid):
            raise ValueError(
                f'model.head.offsets={self.head.offsets} leads out of model.grid={tuple(grid)}: '
                f'set a grid of more than {largest} rows and columns, or smaller offsets'
            )

    def loss(self, inputs: list[Tensor], data_samples: list[DataSample]) -> dict[str, Tensor]:
        """Compute the loss of a batch.

        Args:
            inputs: the patches row by row, each of shape (N, C, height, width).
            data_samples: N samples; not used.

        Returns:
            ``loss``.

        Raises:
            ValueError: for another number of views, or parts that do not fit, see :mod:`.parts`.
        """
        maps = self.backbone(torch.cat(self._patches(inputs)))
        with named_neck(self.neck, maps):
            features = self.neck(maps)[0]
        latents = features.view(self.rows, self.columns, -1, features.shape[1])
        return dict(loss=self.head.loss(latents.permute(2, 3, 0, 1)))

    def _patches(self, inputs: list[Tensor]) -> list[Tensor]:
        found = len(inputs) if isinstance(inputs, (list, tuple)) else 1
        count = self.rows * self.columns
        if found != count:
            raise ValueError(
                f'CPC takes {count} views of each image, one for each patch of '
                f'model.grid={(self.rows, self.columns)}, not {found}: list them row by row in '
                'data_preprocessor.views, each with a BatchPatch first'
            )
        return list(inputs)
