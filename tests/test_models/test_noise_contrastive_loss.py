"""Noise-contrastive estimation against slow literal readings of its formulas in float64."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.models import FeatureBank, NoiseContrastiveLoss
from mmrcl.models.heads import NoiseContrastiveHead

from .test_baseline_losses import compare, draw

IMAGES = 1000.0  # n, which cancels


def mean_score(queries, negatives, tau) -> float:
    """Z / n, by the average of Eq. 8 over the queries."""
    scores = [
        (query @ negative / tau).exp()
        for query, own in zip(queries, negatives, strict=True)
        for negative in own
    ]
    return sum(scores) / len(scores)


def literal_nce(queries, positives, negatives, tau, mean):
    """Eq. 4, 6 and 7 of Wu et al. for one draw of negatives, with P_n = 1 / n and Z = n mean."""
    count, total = len(negatives[0]), 0.0
    for query, positive, own in zip(queries, positives, negatives, strict=True):
        features = [positive, *own]
        model = [(query @ each.double() / tau).exp() / (IMAGES * mean) for each in features]
        posterior = [p / (p + count / IMAGES) for p in model]
        total = total - posterior[0].log() - sum((1 - h).log() for h in posterior[1:])
    return total / len(queries)


def literal_pirl(queries, positives, negatives, tau):
    """Eq. 3 and 4 of Misra and van der Maaten, with the same sum in each h."""
    total = 0.0
    for query, positive, own in zip(queries, positives, negatives, strict=True):
        scores = [(query @ each.double() / tau).exp() for each in own]
        score = (query @ positive.double() / tau).exp()
        total = total - (score / (score + sum(scores))).log()
        for other in scores:
            total = total - (1 - other / (other + sum(scores))).log()
    return total / len(queries)


def batch(seed: int):
    shapes = (6, 5), (6, 5), (6, 4, 5)
    return [normalize(draw(*shape, seed=10 * seed + i), dim=-1) for i, shape in enumerate(shapes)]


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('tau', [0.07, 0.5])
def test_constant_normalizer(seed, tau):
    queries, positives, negatives = batch(seed)
    mean = mean_score(queries, negatives, tau)
    compare(
        NoiseContrastiveLoss(tau),
        lambda q, *given: literal_nce(q, *given, tau, mean),
        queries,
        positives.float(),
        negatives.float(),
    )


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('tau', [0.07, 0.5])
def test_normalizer_of_each_query(seed, tau):
    queries, positives, negatives = batch(seed)
    compare(
        NoiseContrastiveLoss(tau, normalizer='query'),
        lambda q, *given: literal_pirl(q, *given, tau),
        queries,
        positives.float(),
        negatives.float(),
    )


def test_the_constant_is_that_of_the_first_batch_and_in_the_checkpoint():
    loss, twin = NoiseContrastiveLoss(0.2), NoiseContrastiveLoss(0.2)
    first, second = ([part.float() for part in batch(seed)] for seed in (0, 1))
    loss(*first)
    mean = mean_score(first[0], first[2], 0.2)
    assert loss.log_mean.item() == pytest.approx(math.log(mean), rel=1e-5)
    twin.load_state_dict(loss.state_dict())
    found = twin(*second)
    assert torch.equal(found, loss(*second))
    expected = literal_nce(second[0].double(), *second[1:], 0.2, mean.double())
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    assert not NoiseContrastiveLoss(normalizer='query').state_dict()


@pytest.mark.parametrize('normalizer', ['constant', 'query'])
def test_extreme_logits_stay_finite(normalizer):
    queries = torch.eye(4)[:2].requires_grad_()
    rows = torch.stack([-torch.eye(4)[:2], torch.eye(4)[:2]], 1)
    module = NoiseContrastiveLoss(0.005, normalizer)
    loss = module(queries, -queries.detach(), rows)
    loss.backward()
    assert loss.isfinite() and queries.grad.isfinite().all()
    if normalizer == 'constant':
        # exp(200), beyond float32, and exp(-200)
        assert module.log_mean.item() == pytest.approx(200 - math.log(2))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_in_float32_under_autocast(dtype):
    parts = [part.float() for part in batch(0)]
    for normalizer in ('constant', 'query'):
        expected = NoiseContrastiveLoss(0.07, normalizer)(*parts)
        with torch.autocast('cpu', dtype):
            assert torch.equal(NoiseContrastiveLoss(0.07, normalizer)(*parts), expected)


def test_head_contrasts_the_row_of_the_image_with_others():
    """With all n - 1 others drawn from a bank of three equal ones, whatever is drawn."""
    bank = FeatureBank(4, 5)
    bank.features[1:] = bank.features[3].clone()
    head = NoiseContrastiveHead(6, dict(type='mmrcl.NoiseContrastiveLoss', temperature=0.3))
    query = normalize(draw(1, 5).float(), dim=1)
    found = head.loss(query, torch.tensor([0]), bank)
    negatives = bank.features[3].expand(1, 6, 5)
    expected = NoiseContrastiveLoss(0.3)(query, bank.features[:1], negatives)
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ('build', 'message'),
    [
        (lambda: NoiseContrastiveLoss(normalizer='batch'), "use 'constant' or 'query'"),
        (lambda: NoiseContrastiveLoss(0), 'temperature=0 must be above 0'),
        (lambda: NoiseContrastiveHead(0, {}), 'model.head.num_negatives=0 must be at least 1'),
    ],
)
def test_wrong_settings(build, message):
    with pytest.raises(ValueError, match=message):
        build()
