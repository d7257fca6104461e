"""P(z'|q_i), P_c and eta' of Sect. 4.2, against a slow reading of Eq. 5, 8 and 9 in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrcl.models import RelativeContrastiveLoss
from mmrcl.models.losses import PairDynamics

from .test_relative_contrastive_loss import TAU, case


def literal_probabilities(
    predictions, keys, positive_mask, queue, query_labels, entry_labels, key_in_denominator
) -> torch.Tensor:
    """Eq. 5 term by term; the sum over s_k as the loss takes it, z' once."""
    num, retrieved, levels = positive_mask.shape
    found = torch.zeros(levels, num, retrieved, dtype=torch.float64)
    for i in range(levels):
        for n in range(num):
            for r in range(retrieved):
                q = predictions[i if len(predictions) > 1 else 0, n]
                mine = query_labels[i % len(query_labels), n]
                numerator = torch.exp(q @ keys[n, r] / TAU)
                denominator = numerator.clone()
                for k in range(len(queue)):
                    itself = torch.equal(queue[k], keys[n, r])
                    if entry_labels[i % len(entry_labels), k] not in (-1, mine) and not itself:
                        denominator = denominator + torch.exp(q @ queue[k] / TAU)
                found[i, n, r] = numerator / denominator
    return found


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), negative_pairs=st.sampled_from(['repel', 'graded', 'ignore']))
def test_equal_the_literal_reading(seed, negative_pairs):
    given = case(seed)
    positive = given['positive_mask']
    parts, pairs = RelativeContrastiveLoss(TAU, negative_pairs)(**given)
    probability = literal_probabilities(**given).detach()
    assert torch.allclose(pairs.probability, probability, rtol=1e-9, atol=0)
    assert not pairs.probability.requires_grad

    num, retrieved, levels = positive.shape
    for n in range(num):
        for r in range(retrieved):
            agreement = sum(bool(positive[n, r, i]) for i in range(levels)) / levels
            eta = sum(probability[i, n, r] - float(positive[n, r, i]) for i in range(levels))
            assert float(pairs.agreement[n, r]) == pytest.approx(agreement, abs=1e-12)
            assert float(pairs.eta[n, r]) == pytest.approx(float(eta), abs=1e-9)
    assert float(parts['key_probability']) == pytest.approx(float(probability.mean()))
    attracted = (probability - positive.permute(2, 0, 1).double()).sum(0) < 0
    assert float(parts['attracted_fraction']) == pytest.approx(float(attracted.double().mean()))


def case_with_a_negative(seed: int):
    """A case with an entry that no query shares, so that the denominator exceeds the numerator."""
    given = case(seed)
    queue, entries = given['queue'], given['entry_labels']
    given['queue'] = torch.cat([queue, -queue[:1]])
    given['entry_labels'] = torch.cat([entries, torch.full((len(entries), 1), 12)], 1)
    return given


@given(seed=st.integers(0, 10**6))
def test_probabilities_lie_between_0_and_1(seed):
    probability = RelativeContrastiveLoss(TAU)(**case_with_a_negative(seed)).pairs.probability
    assert ((probability > 0) & (probability < 1)).all()


@given(seed=st.integers(0, 10**6))
def test_with_one_predictor_eta_is_equation_9(seed):
    generator = torch.Generator().manual_seed(seed)
    probability = torch.rand(1, 4, 3, generator=generator, dtype=torch.float64)
    mask = torch.rand(3, 4, 3, generator=generator) < 0.5
    pairs = PairDynamics(probability.expand(3, -1, -1), mask)
    assert torch.allclose(pairs.eta, 3 * (probability[0] - pairs.agreement), atol=1e-12)


@pytest.mark.parametrize(
    ('probability', 'positive', 'criteria', 'attracted'),
    # The three cases of Sect. 4.2; the text says that the second attracts; its eta' > 0 repels.
    [(0.5, 2, 3, True), (0.75, 2, 3, False), (0.5, 1, 20, False)],
)
def test_the_three_cases_of_the_paper(probability, positive, criteria, attracted):
    mask = (torch.arange(criteria) < positive)[:, None, None]
    pairs = PairDynamics(torch.full((criteria, 1, 1), probability), mask)
    assert bool(pairs.eta < 0) == attracted


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), negative_pairs=st.sampled_from(['graded', 'ignore']))
def test_without_repulsion_a_pair_attracts_if_any_criterion_labels_it_positive(
    seed, negative_pairs
):
    given = case_with_a_negative(seed)
    given['keys'].requires_grad_()
    output = RelativeContrastiveLoss(TAU, negative_pairs)(**given)
    gradient = torch.autograd.grad(output.losses['loss'], given['keys'])[0]
    assert torch.equal(gradient.ne(0).any(2), output.pairs.agreement > 0)


def test_eta_is_the_pull_of_the_key_on_the_query():
    """A step down the literal loss, seen along z', against the sign of eta' (Eq. 7)."""
    shared = torch.nn.functional.normalize(torch.randn(1, 6, 8, dtype=torch.float64), dim=2)
    query = shared.clone().requires_grad_()
    keys = torch.zeros(6, 1, 8, dtype=torch.float64)
    keys[:, 0] = torch.nn.functional.normalize(torch.randn(6, 8, dtype=torch.float64), dim=1)
    # A queue across the key's direction leaves the key's own term alone in the gradient.
    queue = torch.nn.functional.normalize(torch.randn(5, 8, dtype=torch.float64), dim=1)
    positive = torch.rand(6, 1, 3) < 0.5
    labels = torch.zeros(1, 6).long(), torch.ones(1, 5).long()
    outside = torch.zeros(6, 1, 1, dtype=torch.bool)
    output = RelativeContrastiveLoss(TAU)(
        predictions=query,
        keys=keys,
        positive_mask=positive,
        queue=queue,
        query_labels=labels[0],
        entry_labels=labels[1],
        key_in_denominator=outside,
    )
    gradient = torch.autograd.grad(output.losses['loss'], query)[0][0]
    probability = torch.softmax(
        torch.cat([keys[:, :, :], queue.expand(6, -1, -1)], 1) @ shared[0][:, :, None] / TAU, 1
    )
    rest = (probability[:, 1:] * queue).sum(1) / TAU / 6
    coefficient = ((gradient - rest) * keys[:, 0]).sum(1) * 6 * TAU * 3
    assert torch.allclose(coefficient, output.pairs.eta[:, 0], atol=1e-9)
