"""SwAV's loss against a slow reading in float64, also where exp(score / epsilon) overflows."""

import pytest
import torch
from mmpretrain.models.losses import SwAVLoss
from torch.nn.functional import normalize

from mmrcl.models import BoundedSwAVLoss

CROPS = dict(feat_dim=6, num_crops=[2, 1], num_prototypes=4, temperature=0.1)


def features_near_prototypes(loss, noise: float) -> torch.Tensor:
    """Features of four images in three crops, close to prototypes as late in training."""
    generator = torch.Generator().manual_seed(0)
    prototypes = normalize(loss.prototypes.weight.detach(), dim=1)
    nearest = torch.tensor([3, 0, 1, 2]).repeat(3)
    return normalize(prototypes[nearest] + noise * torch.randn(12, 6, generator=generator), dim=1)


def literal(loss, features: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Each crop predicts the codes of the two large ones, by Sinkhorn-Knopp on B x K (Eq. 2-5)."""
    scores = features.double() @ normalize(loss.prototypes.weight.double(), dim=1).T
    crops, parts = scores.split(4), []
    for first in (0, 1):
        codes = (crops[first].detach() / epsilon).exp()
        for _ in range(3):
            codes = codes / codes.sum(0) / codes.shape[1]
            codes = codes / codes.sum(1, keepdim=True) / codes.shape[0]
        codes = codes * codes.shape[0]
        for other in {0, 1, 2} - {first}:
            parts.append(-(codes * (crops[other] / 0.1).log_softmax(1)).sum(1).mean())
    return torch.stack(parts).mean()


@pytest.mark.parametrize('epsilon', [0.05, 0.01])
def test_loss_and_gradient(epsilon):
    torch.manual_seed(0)
    loss = BoundedSwAVLoss(epsilon=epsilon, **CROPS)
    features = features_near_prototypes(loss, 0.1).requires_grad_()
    twin = features.detach().clone().requires_grad_()
    found, expected = loss(features), literal(loss, twin, epsilon)
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
    found.backward()
    expected.backward()
    assert torch.allclose(features.grad, twin.grad, rtol=1e-3, atol=1e-5)


def test_mmpretrain_overflows_where_it_does_not():
    torch.manual_seed(0)
    bounded, plain = (kind(epsilon=0.01, **CROPS) for kind in (BoundedSwAVLoss, SwAVLoss))
    plain.load_state_dict(bounded.state_dict())
    features = features_near_prototypes(bounded, 0.01)
    assert plain(features).isnan()
    assert bounded(features).isfinite()


def test_a_queue_is_refused():
    loss = BoundedSwAVLoss(**CROPS)
    loss.queue = torch.zeros(2, 8, 6)
    with pytest.raises(ValueError, match='set queue_length=0 of SwAVHook'):
        loss(features_near_prototypes(loss, 0.1))
