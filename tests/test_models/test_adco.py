"""AdCo: the game of encoder and negatives, read literally, and what the algorithm promises."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from torch.nn.functional import normalize

from mmrcl.models import AdversarialNegatives
from mmrcl.models.selfsup.adco import reversed_gradient
from mmrcl.registry import MODELS

from .test_baseline_algorithms import COMMON, batch
from .test_rcl import merged

TAU, ADVERSARY_TAU = 0.2, 0.05
CROSS_ENTROPY = dict(type='CrossEntropyLoss')


def build(**changes):
    torch.manual_seed(0)
    parts = dict(
        copy.deepcopy(COMMON),
        type='AdCo',
        momentum=0.05,
        head=dict(type='ContrastiveHead', loss=CROSS_ENTROPY, temperature=TAU),
        adversary=dict(type='ContrastiveHead', loss=CROSS_ENTROPY, temperature=ADVERSARY_TAU),
        queue=dict(type='AdversarialNegatives', length=11, feat_dim=8),
    )
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(merged(parts, changes))
    with torch.no_grad():
        # Trained negatives are of any length.
        model.queue.features.mul_(torch.linspace(0.5, 2, 11)[:, None])
    return model


def literal(queries, keys, features, tau) -> torch.Tensor:
    """Eq. 1, sum by sum, with negatives of any length."""
    total = torch.zeros((), dtype=torch.float64)
    for query, key in zip(queries, keys, strict=True):
        own = (query @ key / tau).exp()
        others = [(query @ n / (n @ n).sqrt() / tau).exp() for n in features]
        total = total - (own / (own + sum(others))).log()
    return total / len(queries)


def queries_and_keys(model, views):
    """The projections of both views, and the keys after the step of the momentum encoder."""
    queries = [normalize(model.neck(model.backbone(view))[0].double(), dim=1) for view in views]
    model.momentum_encoder.update_parameters(torch.nn.Sequential(model.backbone, model.neck))
    keys = [normalize(model.momentum_encoder(view)[0].double(), dim=1) for view in views]
    return queries, keys


@pytest.mark.parametrize('symmetric', [False, True])
def test_step(symmetric):
    model = build(symmetric=symmetric)
    model.loss(*batch(seed=1))
    model.backbone.conv1.weight.data.mul_(1.5)
    twin = copy.deepcopy(model)
    views, samples = batch()
    losses = model.loss(views, samples)
    sum(losses.values()).backward()

    # Each view is encoded with statistics of its own, and only if it is a query.
    queries, keys = queries_and_keys(twin, views if symmetric else views[:1] * 2)
    if not symmetric:
        keys[1] = normalize(twin.momentum_encoder(views[1])[0].double(), dim=1)
    directions = [(queries[0], keys[1]), (queries[1], keys[0])][: 1 + symmetric]
    features = twin.queue.features.detach().double()
    of_encoder = sum(literal(*pair, features, TAU) for pair in directions) / len(directions)
    assert losses['contrastive_loss'].item() == pytest.approx(of_encoder.item(), rel=1e-5)
    of_encoder.backward()
    for (name, first), second in zip(model.named_parameters(), twin.parameters(), strict=True):
        if first.requires_grad and name != 'queue.features':
            assert torch.allclose(first.grad, second.grad, rtol=1e-3, atol=1e-5), name

    features.requires_grad_()
    fixed = [(query.detach(), key) for query, key in directions]
    adversarial = sum(literal(*pair, features, ADVERSARY_TAU) for pair in fixed) / len(fixed)
    assert losses['adversarial_loss'].item() == pytest.approx(adversarial.item(), rel=1e-5)
    adversarial.backward()
    assert torch.allclose(model.queue.features.grad.double(), -features.grad, rtol=1e-3, atol=1e-6)
    assert features.grad.abs().max() > 1e-2


def test_negatives_move_towards_the_queries_that_take_them_for_their_key():
    """Eq. 5: for unit negatives the step of n_k, within the sphere, is sum p(n_k|q) q / (tau N)."""
    model = build()
    with torch.no_grad():
        model.queue.features.copy_(normalize(model.queue.features, dim=1))
    twin = copy.deepcopy(model)
    views, samples = batch()
    sum(model.loss(views, samples).values()).backward()
    (queries, _), _ = queries_and_keys(twin, views)
    keys = normalize(twin.momentum_encoder(views[1])[0].double(), dim=1)
    negatives = twin.queue.features.detach().double()
    logits = torch.cat([(queries * keys).sum(1, keepdim=True), queries @ negatives.T], 1)
    weights = (logits / ADVERSARY_TAU).softmax(1)[:, 1:]
    step = weights.T @ queries / (ADVERSARY_TAU * len(queries))
    within = step - (step * negatives).sum(1, keepdim=True) * negatives
    assert torch.allclose(-model.queue.features.grad.double(), within, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize('optimizer', [torch.optim.SGD, torch.optim.AdamW])
def test_any_optimizer_makes_the_negatives_harder(optimizer):
    model = build()
    views, samples = batch()
    for parameter in model.backbone.parameters():
        parameter.requires_grad = False
    for parameter in model.neck.parameters():
        parameter.requires_grad = False
    trained = optimizer([model.queue.features], lr=1e-2)
    found = []
    for _ in range(5):
        losses = model.loss(views, samples)
        trained.zero_grad()
        sum(losses.values()).backward()
        trained.step()
        found.append(losses['adversarial_loss'].item())
    assert found == sorted(found)
    assert found[-1] > found[0] + 1e-3


def test_reversed_gradient():
    values = torch.randn(5, 3, requires_grad=True)
    found = reversed_gradient(values)
    assert torch.equal(found, values)
    found.square().sum().backward()
    assert torch.equal(values.grad, -2 * values)


def test_momentum_encoder_takes_a_constant_share():
    model = build()
    model.loss(*batch())
    average = dict(model.momentum_encoder.module.named_parameters())['0.conv1.weight']
    before = average.clone()
    model.backbone.conv1.weight.data += 1
    model.loss(*batch())
    assert torch.allclose(average, before.lerp(model.backbone.conv1.weight.data, 0.05), atol=1e-6)


def test_all_state_is_in_the_checkpoint():
    model, twin = build(), build()
    model.loss(*batch(seed=1))
    with torch.no_grad():  # encoder, momentum encoder and negatives all differ from the twin's
        model.backbone.conv1.weight.mul_(1.5)
        model.momentum_encoder.module[0].conv1.weight.mul_(1.3)
        model.queue.features.add_(0.1)
    twin.load_state_dict(model.state_dict())
    expected, found = (each.loss(*batch()) for each in (model, twin))
    assert all(torch.equal(found[name], loss) for name, loss in expected.items())


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_products_are_in_float32_under_autocast(dtype):
    model, generator = build(), torch.Generator().manual_seed(1)
    queries, keys = normalize(torch.randn(2, 6, 8, generator=generator), dim=2)
    expected = model._contrast(queries, keys)
    with torch.autocast('cpu', dtype):
        found = model._contrast(queries, keys)
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_mixed_precision_changes_the_loss_little(dtype):
    model = build()
    expected = copy.deepcopy(model).loss(*batch(12))
    with torch.autocast('cpu', dtype):
        losses = model.loss(*batch(12))
    sum(losses.values()).backward()
    assert {loss.dtype for loss in losses.values()} == {torch.float32}
    # What the encoder rounds is divided by the temperature.
    for tau, (name, loss) in zip((TAU, ADVERSARY_TAU), losses.items(), strict=True):
        assert loss.item() == pytest.approx(expected[name].item(), abs=0.03 / tau), name


def test_parts_that_do_not_fit():
    views, samples = batch()
    with pytest.raises(ValueError, match=r'set model.neck.in_channels=32'):
        build(neck=dict(in_channels=64)).loss(views, samples)
    with pytest.raises(ValueError, match=r'set model.neck.out_channels=8'):
        build(neck=dict(out_channels=4)).loss(views, samples)
    with pytest.raises(ValueError, match='AdCo takes two views.*MultiView'):
        build().loss(views[0], samples)
    with pytest.raises(ValueError, match='model.queue.length=0 must be at least 1'):
        AdversarialNegatives(0)
