import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy, normalize

from mmrcl.models import RelativeContrastiveLoss

TAU = 0.1


def case(seed: int, levels: int | None = None, excluding: bool | None = None):
    """Random shapes, clusters and keys; some keys are entries of the queue.

    With ``excluding``, entries of the query's cluster are out of its sums, as ``RCLHead`` asks.
    """
    generator = torch.Generator().manual_seed(seed)

    def integer(low, high):
        return int(torch.randint(low, high + 1, (), generator=generator))

    levels = levels or integer(1, 4)
    num, retrieved, dim = integer(1, 5), integer(0, 3), integer(2, 7)
    length = integer(retrieved + 1, 9)
    predictors = (1, levels)[integer(0, 1)]
    excluding = bool(integer(0, 1)) if excluding is None else excluding

    def unit(*shape):
        vectors = torch.randn(*shape, generator=generator, dtype=torch.float64)
        return normalize(vectors, dim=-1)

    # Queries are of images 0 to 3, retrieved keys of 4 to 11, other entries of any or of none.
    clusters = torch.randint(3, (levels, 12), generator=generator)
    images = torch.randint(4, (num,), generator=generator)
    entries = torch.randint(-1, 12, (length,), generator=generator)
    slots = torch.randperm(length, generator=generator)[:retrieved]
    entries[slots] = torch.randint(4, 12, (retrieved,), generator=generator)
    queue, same_image = unit(length, dim), unit(num, 1, dim)
    in_queue = torch.rand(num, retrieved, generator=generator) < 0.7
    elsewhere = torch.randint(4, 12, (num, retrieved), generator=generator)
    picked = torch.where(in_queue[:, :, None], queue[slots], unit(num, retrieved, dim))
    keys = torch.cat([same_image, picked], 1)
    of_keys = torch.cat([images[:, None], torch.where(in_queue, entries[slots], elsewhere)], 1)
    in_queue = torch.cat([torch.zeros(num, 1, dtype=torch.bool), in_queue], 1)[:, :, None]
    positive = (clusters[:, images, None] == clusters[:, of_keys]).permute(1, 2, 0)
    labels = clusters if excluding else torch.arange(12)[None]
    return dict(
        predictions=unit(predictors, num, dim).requires_grad_(),
        keys=keys,
        positive_mask=positive,
        queue=queue,
        query_labels=labels[:, images],
        entry_labels=labels[:, entries].masked_fill(entries < 0, -1),
        key_in_denominator=in_queue & ~positive if excluding else in_queue,
    )


def literal(
    predictions,
    keys,
    positive_mask,
    queue,
    query_labels,
    entry_labels,
    key_in_denominator,
    negative_pairs,
):
    """Eq. 2 and 3 term by term, z' once; the numerator of a negative pair is 1."""
    num, retrieved, levels = positive_mask.shape
    total = 0.0
    for n in range(num):
        for r in range(retrieved):
            agreeing = int(positive_mask[n, r].sum())
            for i in range(levels):
                q = predictions[i if len(predictions) > 1 else 0, n]
                mine, theirs = (
                    query_labels[i % len(query_labels), n],
                    entry_labels[i % len(entry_labels)],
                )
                denominator = torch.exp(q @ keys[n, r] / TAU)
                for k in range(len(queue)):
                    if theirs[k] not in (-1, mine) and not torch.equal(queue[k], keys[n, r]):
                        denominator = denominator + torch.exp(q @ queue[k] / TAU)
                same = bool(positive_mask[n, r, i])
                numerator = torch.exp(q @ keys[n, r] / TAU) if same else torch.ones(())
                pair = -torch.log(numerator / denominator)
                if negative_pairs == 'repel':
                    total = total + pair / levels
                elif negative_pairs == 'graded':
                    total = total + same * pair / levels
                elif same:
                    total = total + pair / agreeing
    return total / (num * retrieved)


@pytest.mark.parametrize('excluding', [False, True])
@pytest.mark.parametrize('levels', [1, 2, 3, 4])
@pytest.mark.parametrize('negative_pairs', ['repel', 'graded', 'ignore'])
@settings(max_examples=12)
@given(seed=st.integers(0, 10**6))
def test_value_and_gradient_equal_the_literal_reading(negative_pairs, levels, excluding, seed):
    given = case(seed, levels, excluding)
    loss = RelativeContrastiveLoss(TAU, negative_pairs)(**given).losses['loss']
    expected = literal(**given, negative_pairs=negative_pairs)
    assert abs(float(loss) - float(expected)) < 1e-10
    gradients = [torch.autograd.grad(value, given['predictions'])[0] for value in (loss, expected)]
    assert (gradients[0] - gradients[1]).abs().max() < 1e-10


def test_a_graded_pair_weighs_its_share_of_positive_levels():
    """With one predictor, the terms of all levels are equal."""
    query = torch.tensor([[[1.0, 0.0]]], dtype=torch.float64)
    given = dict(
        predictions=query,
        keys=torch.tensor([[[0.6, 0.8]]], dtype=torch.float64),
        queue=torch.tensor([[0.0, 1.0]], dtype=torch.float64),
        query_labels=torch.tensor([[0]]),
        entry_labels=torch.tensor([[1]]),
        key_in_denominator=torch.zeros(1, 1, 1, dtype=torch.bool),
    )
    found = [
        RelativeContrastiveLoss(TAU, 'graded')(
            **given, positive_mask=(torch.arange(4) < agreeing)[None, None]
        ).losses['loss']
        for agreeing in range(5)
    ]
    whole = math.log(1 + math.exp(-6))
    assert [float(loss) for loss in found] == pytest.approx(
        [0, whole / 4, whole / 2, 3 * whole / 4, whole], abs=1e-12
    )


def test_gradient_is_equation_4():
    given = case(5)
    predictions, keys, positive, queue, *_ = given.values()
    queries, retrieved = keys.shape[:2]
    given['query_labels'] = torch.zeros(1, queries).long()
    given['entry_labels'] = torch.ones(1, len(queue)).long()
    given['key_in_denominator'] = torch.zeros(queries, retrieved, 1, dtype=torch.bool)
    loss = RelativeContrastiveLoss(TAU)(**given).losses['loss']
    gradient = torch.autograd.grad(loss, predictions)[0]
    expected = torch.zeros_like(gradient)
    levels = positive.shape[2]
    for n in range(queries):
        for r in range(retrieved):
            for i in range(levels):
                row = i if len(predictions) > 1 else 0
                vectors = torch.cat([keys[n, r : r + 1], queue])
                probability = (vectors @ predictions[row, n] / TAU).softmax(0).detach()
                weight = probability.clone()
                weight[0] -= float(positive[n, r, i])
                expected[row, n] += weight @ vectors / TAU / levels / (queries * retrieved)
    assert torch.allclose(gradient, expected, atol=1e-10)


def test_one_criterion_without_retrieval_is_infonce():
    generator = torch.Generator().manual_seed(0)
    query = normalize(torch.randn(6, 5, generator=generator, dtype=torch.float64), dim=1)
    query.requires_grad_()
    own = normalize(torch.randn(6, 5, generator=generator, dtype=torch.float64), dim=1)
    queue = normalize(torch.randn(20, 5, generator=generator, dtype=torch.float64), dim=1)
    logits = torch.cat([(query * own).sum(1, keepdim=True), query @ queue.T], 1) / TAU
    expected = cross_entropy(logits, torch.zeros(6, dtype=torch.long))
    for negative_pairs in ('repel', 'graded', 'ignore'):
        loss = RelativeContrastiveLoss(TAU, negative_pairs)(
            predictions=query[None],
            keys=own[:, None],
            positive_mask=torch.ones(6, 1, 1, dtype=torch.bool),
            queue=queue,
            query_labels=torch.zeros(1, 6, dtype=torch.long),
            entry_labels=torch.ones(1, 20, dtype=torch.long),
            key_in_denominator=torch.zeros(6, 1, 1, dtype=torch.bool),
        ).losses['loss']
        assert float(loss) == pytest.approx(float(expected), abs=1e-12)
        gradients = [
            torch.autograd.grad(value, query, retain_graph=True)[0] for value in (loss, expected)
        ]
        assert torch.allclose(*gradients, atol=1e-12)


def test_empty_queue_gives_zero_loss_and_a_finite_gradient():
    query = normalize(torch.randn(1, 4, 8), dim=2).requires_grad_()
    loss = RelativeContrastiveLoss()(
        predictions=query,
        keys=normalize(torch.randn(4, 1, 8), dim=2),
        positive_mask=torch.ones(4, 1, 1, dtype=torch.bool),
        queue=torch.zeros(16, 8),
        query_labels=torch.arange(4)[None],
        entry_labels=torch.full((1, 16), -1),
        key_in_denominator=torch.zeros(4, 1, 1, dtype=torch.bool),
    ).losses['loss']
    loss.backward()
    assert float(loss) == pytest.approx(0, abs=1e-6)
    assert query.grad.abs().max() < 1e-6


def test_parts_for_the_log():
    given = case(11)
    positive = given['positive_mask']
    found = RelativeContrastiveLoss(TAU)(**given).losses
    shares = positive.double().mean((0, 1))
    for level, share in enumerate(shares, 1):
        assert float(found[f'positives_level_{level}']) == pytest.approx(float(share))
    mixed = (
        found['positive_part'] * positive.sum() + found['negative_part'] * (~positive).sum()
    ) / positive.numel()
    assert float(mixed) == pytest.approx(float(found['loss']))
    assert not any(value.requires_grad for name, value in found.items() if name != 'loss')


def test_a_negative_pair_can_go_below_zero():
    query = torch.tensor([[[1.0, 0.0]]])
    loss = RelativeContrastiveLoss(TAU)(
        predictions=query,
        keys=torch.tensor([[[-1.0, 0.0]]]),
        positive_mask=torch.zeros(1, 1, 1, dtype=torch.bool),
        queue=torch.tensor([[-1.0, 0.0]]),
        query_labels=torch.tensor([[0]]),
        entry_labels=torch.tensor([[1]]),
        key_in_denominator=torch.zeros(1, 1, 1, dtype=torch.bool),
    ).losses['loss']
    assert float(loss) == pytest.approx(math.log(2) - 10, abs=1e-5)


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="negative_pairs='push'"):
        RelativeContrastiveLoss(negative_pairs='push')
    with pytest.raises(ValueError, match='temperature=0'):
        RelativeContrastiveLoss(temperature=0)
