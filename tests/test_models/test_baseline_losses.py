"""Each loss against a slow literal reading of its formula in float64."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.models import (
    MeanShiftLoss,
    NearestNeighborLoss,
    PrototypicalLoss,
    RelativeContrastiveLoss,
    SupportQueue,
)
from mmrcl.models.heads import ProtoNCEHead
from mmrcl.models.memories import Prototypes
from mmrcl.models.retrievers.nearest import nearest_keys


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a * b).sum() / (a.pow(2).sum().sqrt() * b.pow(2).sum().sqrt())


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_losses_and_searches_are_in_float32_under_autocast(dtype):
    a, b, c = (normalize(draw(12, 16, seed=seed).float(), dim=1) for seed in range(3))
    mask = torch.rand(12, 1, 3, generator=torch.Generator().manual_seed(3)) < 0.5
    images, queue = torch.arange(12), SupportQueue(12, 16)
    queue.enqueue(c, images)
    prototypes = [Prototypes(b, torch.linspace(0.1, 0.3, 12), images)]
    relative = dict(
        **dict(predictions=a[None], keys=b[:, None], positive_mask=mask, queue=c),
        **dict(query_labels=images[None], entry_labels=images[None].flip(1)),
        key_in_denominator=mask[:, :, :1],
    )
    functions = [
        lambda: RelativeContrastiveLoss()(**relative).losses['loss'],
        lambda: NearestNeighborLoss()(a, b),
        lambda: MeanShiftLoss()(a, b[:, None]),
        lambda: PrototypicalLoss()(a, prototypes),
        lambda: nearest_keys(a, queue, 3),
    ]
    for function in functions:
        expected = function()
        with torch.autocast('cpu', dtype):
            assert torch.equal(function(), expected)


def literal_nnclr(predictions, neighbors, tau):
    """Eq. 3 and the term that makes it symmetric, sum by sum."""
    total = torch.zeros((), dtype=torch.float64)
    for i, (prediction, neighbor) in enumerate(zip(predictions, neighbors, strict=True)):
        own = cosine(prediction, neighbor) / tau
        over_predictions = sum((cosine(neighbor, p) / tau).exp() for p in predictions)
        over_neighbors = sum((cosine(n, predictions[i]) / tau).exp() for n in neighbors)
        total = total - (own - over_predictions.log()) / 2 - (own - over_neighbors.log()) / 2
    return total / len(predictions)


def literal_mean_shift(predictions, neighbors):
    terms = [
        2 - 2 * cosine(prediction, neighbor)
        for prediction, own in zip(predictions, neighbors, strict=True)
        for neighbor in own
    ]
    return sum(terms) / len(terms)


def literal_prototypical(queries, levels):
    """The second sum of Eq. 11."""
    total = torch.zeros((), dtype=torch.float64)
    for level in levels:
        for query, own in zip(queries, level.targets.tolist(), strict=True):
            logits = [
                query @ center / phi
                for center, phi in zip(level.centers, level.concentrations, strict=True)
            ]
            total = total - (logits[own].exp() / sum(logit.exp() for logit in logits)).log()
    return total / (len(queries) * len(levels))


def compare(loss, literal, inputs, *given) -> None:
    """Values and gradients of the first argument."""
    single, double = inputs.float().requires_grad_(), inputs.clone().requires_grad_()
    found = loss(single, *given)
    expected = literal(double, *given)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    found.backward()
    expected.backward()
    assert torch.allclose(single.grad.double(), double.grad, rtol=1e-4, atol=1e-6)
    assert double.grad.abs().max() > 1e-3


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('tau', [0.1, 0.5])
def test_nearest_neighbor_loss(seed, tau):
    predictions, neighbors = draw(6, 5, seed=seed), draw(6, 5, seed=seed + 10)
    compare(
        NearestNeighborLoss(tau),
        lambda first, second: literal_nnclr(first, second, tau),
        predictions,
        neighbors,
    )


def test_nearest_neighbor_loss_of_equal_neighbors_is_that_of_a_blind_guess():
    """Nothing tells one neighbour from the others: log N when predictions coincide too."""
    same = draw(1, 5).expand(7, -1)
    assert NearestNeighborLoss(0.1)(same, same).item() == pytest.approx(math.log(7), rel=1e-5)


@pytest.mark.parametrize('seed', range(3))
def test_mean_shift_loss(seed):
    compare(MeanShiftLoss(), literal_mean_shift, draw(6, 5, seed=seed), draw(6, 3, 5, seed=9))


def test_mean_shift_loss_has_the_gradient_of_the_mean_neighbor():
    predictions, neighbors = draw(4, 5).requires_grad_(), normalize(draw(4, 3, 5, seed=1), dim=2)
    MeanShiftLoss()(predictions, neighbors).backward()
    found = predictions.grad.clone()
    predictions.grad = None
    means = neighbors.mean(1)
    (2 - 2 * (normalize(predictions, dim=1) * means).sum(1)).mean().backward()
    assert torch.allclose(found, predictions.grad, atol=1e-6)


def levels_of(seed: int) -> list[Prototypes]:
    generator = torch.Generator().manual_seed(seed)
    return [
        Prototypes(
            normalize(draw(size, 5, seed=seed + size), dim=1),
            0.1 + torch.rand(size, generator=generator, dtype=torch.float64),
            torch.randint(size, (6,), generator=generator),
        )
        for size in (7, 4)
    ]


@pytest.mark.parametrize('seed', range(3))
def test_prototypical_loss(seed):
    queries = normalize(draw(6, 5, seed=seed), dim=1)
    compare(PrototypicalLoss(), literal_prototypical, queries, levels_of(seed))


def test_prototypes_that_are_the_images_give_instance_discrimination():
    """Each image its own cluster and equal concentrations: InfoNCE over a bank of all images."""
    queries, bank = normalize(draw(6, 5), dim=1), normalize(draw(9, 5, seed=1), dim=1)
    indices = torch.tensor([8, 0, 3, 1, 7, 2])
    level = Prototypes(bank, torch.full((9,), 0.2, dtype=torch.float64), indices)
    others = SupportQueue(9, 5)
    others.enqueue(bank, torch.arange(9))
    queue, keys = others.features.float(), bank[indices].float()
    infonce = RelativeContrastiveLoss(0.2)(
        predictions=queries.float()[None],
        keys=keys[:, None],
        positive_mask=torch.ones(6, 1, 1, dtype=torch.bool),
        queue=queue,
        query_labels=indices[None],
        entry_labels=others.indices[None],
        key_in_denominator=torch.zeros(6, 1, 1, dtype=torch.bool),
    ).losses['loss']
    found = PrototypicalLoss()(queries.float(), [level])
    assert found.item() == pytest.approx(infonce.item(), rel=1e-5)


def literal_instance(queries, keys, indices, queue):
    """The first sum of Eq. 11, with r the entries of other images."""
    total = torch.zeros((), dtype=torch.float64)
    for query, key, image in zip(queries, keys, indices.tolist(), strict=True):
        own = (query @ key / 0.2).exp()
        others = [
            (query @ entry.double() / 0.2).exp()
            for entry, stored in zip(queue.features, queue.indices.tolist(), strict=True)
            if stored not in (-1, image)
        ]
        total = total - (own / (own + sum(others))).log()
    return total / len(queries)


@pytest.mark.parametrize('clustered', [True, False])
def test_proto_nce(clustered):
    queue = SupportQueue(10, 5)
    queue.enqueue(normalize(draw(8, 5, seed=4), dim=1), torch.arange(8))
    indices = torch.tensor([2, 11, 12, 13, 3, 14])
    keys = normalize(draw(6, 5, seed=3), dim=1)
    levels = levels_of(0) if clustered else []
    head = ProtoNCEHead(
        dict(type='mmrcl.RelativeContrastiveLoss', temperature=0.2),
        dict(type='mmrcl.PrototypicalLoss'),
    )

    def found(queries, *_):
        losses = head.loss(queries, keys.float(), indices, queue, levels)
        assert ('prototype_loss' in losses) == clustered
        return sum(losses.values())

    def literal(queries, *_):
        prototypical = literal_prototypical(queries, levels) if clustered else 0
        return literal_instance(queries, keys, indices, queue) + prototypical

    compare(found, literal, normalize(draw(6, 5), dim=1))


@pytest.mark.parametrize('loss', [NearestNeighborLoss(), MeanShiftLoss()])
def test_predictor_of_another_width(loss):
    neighbors = draw(6, 5) if isinstance(loss, NearestNeighborLoss) else draw(6, 3, 5)
    with pytest.raises(ValueError, match='set model.head.predictor.out_channels=5'):
        loss(draw(6, 4), neighbors)


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match='temperature=0 must be above 0'):
        NearestNeighborLoss(0)
