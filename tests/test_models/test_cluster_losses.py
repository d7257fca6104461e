"""The losses of methods that learn clusters, against literal readings in float64."""

import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.clustering import LabelHierarchy
from mmrcl.models import (
    LocalAggregationHead,
    LocalAggregationLoss,
    PseudoLabelHead,
    PseudoLabelLoss,
)

from .test_baseline_losses import compare, draw


def literal_classification(scores, classes, sizes, power):
    """Cross-entropy weighted by n^-power: weighted mean of each classifier, mean over these."""
    total = torch.zeros((), dtype=torch.float64)
    for level, labels, counts in zip(scores, classes.tolist(), sizes.tolist(), strict=True):
        weights = [count**-power for count in counts]
        for row, label, weight in zip(level, labels, weights, strict=True):
            share = row[label].exp() / sum(score.exp() for score in row)
            total = total - weight / sum(weights) * share.log()
    return total / len(scores)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('power', [0.0, 0.5, 1.0])
def test_pseudo_label_loss(seed, power):
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randint(4, (2, 6), generator=generator)
    sizes = torch.randint(1, 50, (2, 6), generator=generator)
    compare(
        PseudoLabelLoss(power),
        lambda *given: literal_classification(*given, power),
        draw(2, 6, 4, seed=seed),
        classes,
        sizes,
    )


def test_power_1_counts_each_cluster_the_same():
    """What uniform sampling over clusters has as its mean: DeepCluster's."""
    scores, classes = draw(1, 12, 3), torch.tensor([[0] * 8 + [1] * 3 + [2]])
    sizes = torch.tensor([8, 3, 1])[classes]
    losses = torch.nn.functional.cross_entropy(scores[0], classes[0], reduction='none')
    of_clusters = [losses[classes[0] == label].mean() for label in range(3)]
    found = PseudoLabelLoss(1.0)(scores, classes, sizes)
    assert found.item() == pytest.approx((sum(of_clusters) / 3).item(), rel=1e-5)


def test_head_scores_each_labelling_by_a_classifier_of_its_own():
    head = PseudoLabelHead(4, 5, dict(type='mmrcl.PseudoLabelLoss', power=0.5), num_classifiers=2)
    features = draw(6, 5).float()
    expected = [
        features @ head.fc.weight[4 * level : 4 * level + 4].T
        + head.fc.bias[4 * level : 4 * level + 4]
        for level in range(2)
    ]
    assert torch.allclose(head(features), torch.stack(expected), atol=1e-6)
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(4, (2, 6), generator=generator)
    sizes = torch.randint(1, 50, (2, 6), generator=generator)
    literal = literal_classification(torch.stack(expected).double(), classes, sizes, 0.5)
    found = head.loss(features, classes, sizes)['loss']
    assert found.item() == pytest.approx(literal.item(), rel=1e-5)


def literal_local_aggregation(queries, bank, background, close, tau):
    """-log P(C and B | v) / P(B | v), each P a sum over its images by the whole bank."""
    total = torch.zeros((), dtype=torch.float64)
    for query, near, own in zip(queries, background, close, strict=True):
        everything = sum((entry @ query / tau).exp() for entry in bank)
        share = {j: (bank[j] @ query / tau).exp() / everything for j in near}
        within = sum(share[j] for j in near if j in own)
        total = total - (within / sum(share.values())).log()
    return total / len(queries)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('tau', [0.07, 0.5])
def test_local_aggregation_loss(seed, tau):
    bank = normalize(draw(20, 5, seed=seed), dim=1)
    generator = torch.Generator().manual_seed(seed)
    background = torch.stack([torch.randperm(20, generator=generator)[:7] for _ in range(6)])
    close = [{*row[:2], *range(3)} for row in background.tolist()]
    mask = torch.tensor(
        [[j in own for j in row] for row, own in zip(background.tolist(), close, strict=True)]
    )
    compare(
        lambda queries, *_: LocalAggregationLoss(tau)(queries, bank[background], mask),
        lambda queries, *_: literal_local_aggregation(
            queries, bank, background.tolist(), close, tau
        ),
        normalize(draw(6, 5, seed=seed + 10), dim=1),
    )


def clustered(bank, *levels) -> LabelHierarchy:
    hierarchy = LabelHierarchy(len(levels) + 1, bank.shape[1], len(bank))
    hierarchy.set_bank(bank.float())
    if levels[0] is not None:
        hierarchy.set_labels(torch.stack(levels), nested=False)
    return hierarchy


def literal_neighbors(queries, indices, bank, levels, k):
    """The k nearest images with the own one, and the union of the own clusters."""
    background, close = [], []
    for query, image in zip(queries, indices.tolist(), strict=True):
        others = [j for j in range(len(bank)) if j != image]
        others.sort(key=lambda j: -float(query @ bank[j]))
        background.append([image, *others[: k - 1]])
        close.append({j for level in levels for j in range(len(bank)) if level[j] == level[image]})
    return background, close


@pytest.mark.parametrize('k', [2, 8, 20, 50])
def test_local_aggregation_over_the_union_of_clusters(k):
    bank = normalize(draw(20, 5, seed=1), dim=1)
    levels = [torch.arange(20) // 4, torch.arange(20) % 7]
    indices = torch.tensor([3, 19, 0, 7, 7, 12])
    head = LocalAggregationHead(dict(type='mmrcl.LocalAggregationLoss', temperature=0.2), k)

    def literal(queries, *_):
        found = literal_neighbors(queries.detach(), indices, bank, levels, min(k, 20))
        return literal_local_aggregation(queries, bank, *found, 0.2)

    compare(
        lambda queries, *_: head.loss(queries, indices, clustered(bank, *levels))['loss'],
        literal,
        normalize(draw(6, 5, seed=2), dim=1),
    )


def test_before_the_first_clustering_a_query_recognises_its_entry_in_the_whole_bank():
    bank, indices = normalize(draw(20, 5, seed=1), dim=1), torch.tensor([3, 19, 0, 7, 7, 12])
    bank[4] = 0  # not seen yet
    head = LocalAggregationHead(dict(type='mmrcl.LocalAggregationLoss', temperature=0.2), 4)
    everyone, own = [list(range(20))] * 6, [{image} for image in indices.tolist()]
    compare(
        lambda queries, *_: head.loss(queries, indices, clustered(bank, None))['loss'],
        lambda queries, *_: literal_local_aggregation(queries, bank, everyone, own, 0.2),
        normalize(draw(6, 5, seed=2), dim=1),
    )


def test_close_fraction_is_that_of_the_background():
    bank = normalize(draw(20, 5, seed=1), dim=1)
    head = LocalAggregationHead(dict(type='mmrcl.LocalAggregationLoss'), 20)
    hierarchy = clustered(bank, torch.arange(20) // 4)
    losses = head.loss(bank[:6].float(), torch.arange(6), hierarchy)
    assert losses['close_fraction'].item() == pytest.approx(4 / 20)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('labels', [None, torch.arange(20) // 4])
def test_local_aggregation_is_in_float32_under_autocast(dtype, labels):
    bank = normalize(draw(20, 5, seed=1), dim=1)
    head = LocalAggregationHead(dict(type='mmrcl.LocalAggregationLoss'), 8)
    given = normalize(draw(6, 5).float(), dim=1), torch.arange(6), clustered(bank, labels)
    expected = head.loss(*given)['loss']
    with torch.autocast('cpu', dtype):
        assert torch.equal(head.loss(*given)['loss'], expected)


@pytest.mark.parametrize('labels', [None, torch.arange(20) // 4])
def test_local_aggregation_takes_a_bank_in_half_precision(labels):
    bank = normalize(draw(20, 5, seed=1), dim=1)
    head = LocalAggregationHead(dict(type='mmrcl.LocalAggregationLoss'), 20)
    given = normalize(draw(6, 5).float(), dim=1), torch.arange(6)
    hierarchy = LabelHierarchy(2, 5, 20, bank_dtype='float16')
    hierarchy.set_bank(bank)
    if labels is not None:
        hierarchy.set_labels(labels[None])
    wide = clustered(bank, labels)
    wide.bank.copy_(hierarchy.bank)
    expected = head.loss(*given, wide)['loss']
    torch.testing.assert_close(head.loss(*given, hierarchy)['loss'], expected)


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (lambda: PseudoLabelLoss(-1), 'model.head.loss.power=-1 must be in'),
        (lambda: LocalAggregationLoss(0), 'model.head.loss.temperature=0 must be above 0'),
        (
            lambda: LocalAggregationHead(dict(type='mmrcl.LocalAggregationLoss'), 1),
            'model.head.num_background=1 must be at least 2',
        ),
    ],
)
def test_settings_that_do_not_fit(build, message):
    with pytest.raises(ValueError, match=message):
        build()
