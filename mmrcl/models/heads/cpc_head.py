"""Head of CPC v2: contexts and predictions in four directions."""

from collections.abc import Sequence
from typing import Any

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmrcl.registry import MODELS

from ..necks import ContextNetwork

_DIRECTIONS = 4


@MODELS.register_module()
class CPCHead(BaseModule):
    """Predict patches from those on one side of them (Hénaff et al., ICML 2020, Sect. 3.1).

    The grid of patches is turned by quarters. In each position a context network of its own sees
    the rows above and a linear map predicts the patch some rows below; targets are a linear map of
    the features, shared by the directions.

    Args:
        in_channels: C, width of the features.
        loss: config of a :class:`PatchPredictionLoss`.
        offsets: how many rows below its context a predicted patch is, k. Patches that overlap the
            context's own are easy to predict.
        hid_channels: see :class:`mmrcl.models.necks.ContextNetwork`.
        num_blocks: see :class:`mmrcl.models.necks.ContextNetwork`.
        out_channels: d, width of predictions and targets.
        init_cfg: as in mmengine's BaseModule.

    Raises:
        ValueError: for no offsets, or one below 1.
    """

    def __init__(
        self,
        in_channels: int,
        loss: dict[str, Any],
        offsets: Sequence[int] = (3,),
        hid_channels: int = 256,
        num_blocks: int = 5,
        out_channels: int = 64,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not offsets or min(offsets) < 1:
            raise ValueError(f'model.head.offsets={offsets} must be numbers of at least 1')
        self.in_channels = in_channels
        self.offsets = list(offsets)
        self.loss_module = MODELS.build(loss)
        self.targets = nn.Conv2d(in_channels, out_channels, 1)
        self.directions = nn.ModuleList(
            _Direction(in_channels, out_channels, self.offsets, hid_channels, num_blocks)
            for _ in range(_DIRECTIONS)
        )

    def loss(self, latents: Tensor) -> Tensor:
        """Compute the loss, the mean over directions and offsets.

        Args:
            latents: z, features of the patches, shape (N, C, rows, columns), more rows and columns
                than the largest offset.

        Raises:
            ValueError: for features of another width.
        """
        if latents.shape[1] != self.in_channels:
            raise ValueError(
                f'model.head does not take {latents.shape[1]} channels: set '
                f'model.head.in_channels={latents.shape[1]}'
            )
        targets = self.targets(latents)
        losses = [
            self.loss_module(predictions, targets.rot90(turns, (2, 3)))
            for turns, direction in enumerate(self.directions)
            for predictions in direction(latents.rot90(turns, (2, 3)))
        ]
        return torch.stack(losses).mean()


class _Direction(nn.Module):
    """Context network, and a linear predictor for each offset."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        offsets: Sequence[int],
        hid_channels: int,
        num_blocks: int,
    ) -> None:
        super().__init__()
        self.offsets = offsets
        self.context = ContextNetwork(in_channels, hid_channels, num_blocks)
        self.predictors = nn.ModuleList(nn.Conv2d(in_channels, out_channels, 1) for _ in offsets)

    def forward(self, latents: Tensor) -> list[Tensor]:
        """Predict the patches k rows below each context, (N, d, rows - k, columns) for each k."""
        contexts = self.context(latents)
        return [
            predictor(contexts[:, :, :-offset])
            for offset, predictor in zip(self.offsets, self.predictors, strict=True)
        ]
