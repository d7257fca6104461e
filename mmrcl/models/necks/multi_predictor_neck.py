"""Criterion-specific predictors (Sect. 4.1), H of them in one batched MLP."""

import math
from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmrcl.registry import MODELS


@MODELS.register_module()
class MultiPredictorNeck(BaseModule):
    """H predictors ``fc2(ReLU(BN(fc1(z))))`` (Sect. 5.1) of one input.

    Their first layers are one product with the shared input, batch norm over H x hidden channels
    equals H batch norms, and their second layers are one batched product: the outputs and
    gradients are those of H separate MLPs. An optimiser that adapts its rate to each parameter's
    norm (LARS) sees the H predictors as one.

    Args:
        in_channels: d, width of the projection.
        hid_channels: hidden width of each predictor.
        out_channels: width of the predictions, that of the keys.
        num_predictors: H, or 1 for one predictor shared by all criteria (Table 3).
        norm_cfg: the norm after the first layer.
        init_cfg: as in mmengine's BaseModule.
    """

    def __init__(
        self,
        in_channels: int = 256,
        hid_channels: int = 4096,
        out_channels: int = 256,
        num_predictors: int = 3,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_predictors < 1:
            raise ValueError(f'num_predictors={num_predictors} must be at least 1')
        self.in_channels = in_channels
        self.hid_channels = hid_channels
        self.out_channels = out_channels
        self.num_predictors = num_predictors
        width = num_predictors * hid_channels
        self.fc1 = nn.Linear(in_channels, width)
        self.bn = build_norm_layer(norm_cfg or dict(type='SyncBN'), width)[1]
        self.relu = nn.ReLU(inplace=True)
        self.weight = nn.Parameter(torch.empty(num_predictors, hid_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(num_predictors, 1, out_channels))
        # nn.Linear's own initialisation, for each of the second layers.
        bound = 1 / math.sqrt(hid_channels)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, projection: Tensor) -> Tensor:
        """Predict from a projection (N, in), shape (num_predictors, N, out_channels)."""
        hidden = self.relu(self.bn(self.fc1(projection)))
        hidden = hidden.view(-1, self.num_predictors, self.hid_channels).transpose(0, 1)
        return torch.baddbmm(self.bias, hidden, self.weight)
