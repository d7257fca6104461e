"""Methods of other libraries for the throughput benchmark, at the widths of our configs.

mmpretrain's MoCo v3 comes from its registry, with a predictor as wide as ours; its negatives are
those of the batch. lightly's NNCLR and MoCo follow its documented examples, with our backbone and
queue length. Its MoCo compares views in one direction; a second variant compares in both, as the
other methods do.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import torch
from mmengine.config import Config
from torch import Tensor, nn
from training import (
    INSTANCE_DISCRIMINATION,
    Batch,
    Build,
    Images,
    Settings,
    Training,
    registered,
    sgd_arguments,
)

from mmrcl.registry import MODELS

try:
    from lightly.loss import NTXentLoss
    from lightly.models.modules import (
        MoCoProjectionHead,
        NNCLRPredictionHead,
        NNCLRProjectionHead,
        NNMemoryBankModule,
    )
    from lightly.models.utils import deactivate_requires_grad, update_momentum
except ImportError:
    HAS_LIGHTLY = False
else:
    HAS_LIGHTLY = True


def mocov3(_: Images, settings: Settings) -> Training:
    """Build mmpretrain's MoCo v3."""
    config = settings.config(INSTANCE_DISCRIMINATION)
    ours = config.model
    tau = ours.head.loss.temperature
    predictor = ours.neck | dict(
        in_channels=ours.head.predictor.in_channels,
        hid_channels=ours.head.predictor.hid_channels,
        out_channels=ours.head.predictor.out_channels,
        with_last_bn=False,
        with_avg_pool=False,
    )
    config.model = dict(
        type='mmpretrain.MoCoV3',
        backbone=ours.backbone,
        neck=ours.neck,
        head=dict(
            type='mmpretrain.MoCoV3Head',
            predictor=predictor,
            loss=dict(type='mmpretrain.CrossEntropyLoss', loss_weight=2 * tau),
            temperature=tau,
        ),
        base_momentum=ours.base_momentum,
    )
    return registered(config, settings)


class Pooled(nn.Module):
    """mmpretrain's backbone with average pooling, as in lightly's examples."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.backbone = MODELS.build(config.model.backbone)

    def forward(self, images: Tensor) -> Tensor:
        """Compute features (N, D) of images (N, C, height, width)."""
        return self.backbone(images)[-1].mean((2, 3))


class NNCLR(nn.Module):
    """lightly's NNCLR; it has no momentum encoder."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        neck, predictor = config.model.neck, config.model.head.predictor
        self.encoder = nn.Sequential(
            Pooled(config),
            NNCLRProjectionHead(neck.in_channels, neck.hid_channels, neck.out_channels),
        )
        self.predictor = NNCLRPredictionHead(
            predictor.in_channels, predictor.hid_channels, predictor.out_channels
        )
        self.bank = NNMemoryBankModule(size=(config.model.queue.length, neck.out_channels))
        self.criterion = NTXentLoss(temperature=config.model.head.loss.temperature)

    def forward(self, batch: Batch) -> Tensor:
        """Compute the loss, the mean of both directions."""
        projections = [self.encoder(view) for view in batch.views]
        first, second = (self.predictor(projection) for projection in projections)
        key_1, key_2 = (projection.detach() for projection in projections)
        near_1, near_2 = self.bank(key_1, update=False), self.bank(key_2, update=True)
        return (self.criterion(near_1, second) + self.criterion(near_2, first)) / 2


class MoCo(nn.Module):
    """lightly's MoCo (v2, without a predictor).

    Args:
        config: widths, queue, temperature and momentum.
        both: compare in both directions; lightly's example has only the first.
    """

    def __init__(self, config: Config, both: bool) -> None:
        super().__init__()
        neck = config.model.neck
        head = MoCoProjectionHead(neck.in_channels, neck.hid_channels, neck.out_channels)
        self.encoder = nn.Sequential(Pooled(config), head)
        self.momentum_encoder = deepcopy(self.encoder)
        deactivate_requires_grad(self.momentum_encoder)
        self.momentum = 1 - config.model.base_momentum
        self.both = both
        self.criterion = NTXentLoss(
            temperature=config.model.head.loss.temperature,
            memory_bank_size=(config.model.queue.length, neck.out_channels),
        )

    def forward(self, batch: Batch) -> Tensor:
        """Compute the loss of one or both directions."""
        update_momentum(self.encoder, self.momentum_encoder, m=self.momentum)
        view_1, view_2 = batch.views
        if not self.both:
            return self._compare(view_1, view_2)
        return (self._compare(view_1, view_2) + self._compare(view_2, view_1)) / 2

    def _compare(self, query: Tensor, key: Tensor) -> Tensor:
        return self.criterion(self.encoder(query), self.momentum_encoder(key))


def lightly(build: Callable[[Config], nn.Module], _: Images, settings: Settings) -> Training:
    """Make the training of a model whose forward returns the loss."""
    config = settings.config(INSTANCE_DISCRIMINATION)
    torch.manual_seed(0)
    model = build(config)
    return Training(model, model, sgd_arguments(config), settings)


PEERS: dict[str, Build] = {'MoCo v3 (mmpretrain)': mocov3}
if HAS_LIGHTLY:
    PEERS |= {
        'NNCLR (lightly)': partial(lightly, NNCLR),
        'MoCo, one direction (lightly)': partial(lightly, partial(MoCo, both=False)),
        'MoCo, both directions (lightly)': partial(lightly, partial(MoCo, both=True)),
    }
