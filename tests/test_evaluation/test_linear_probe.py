import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from mmrcl.evaluation import accuracy, fit_linear_probe


def blobs(seed: int, n: int = 200, d: int = 6, classes: int = 4):
    """Overlapping Gaussian classes whose features differ widely in place and scale."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % classes
    centres = torch.randn(classes, d, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, d, generator=generator, dtype=torch.float64)
    scale = 10.0 ** torch.arange(-2, d - 2, dtype=torch.float64)
    return (centres[labels] + noise + 3) * scale, labels


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('weight_decay', [1e-3, 1e-1])
def test_equals_scikit_learn(seed, weight_decay):
    features, labels = blobs(seed)
    probe = fit_linear_probe(features, labels, 4, weight_decay)
    scaler = StandardScaler().fit(features.numpy())
    reference = LogisticRegression(C=1 / (200 * weight_decay), tol=1e-10, max_iter=10_000)
    reference.fit(scaler.transform(features.numpy()), labels.numpy())
    probabilities = probe.logits(features).softmax(dim=1).numpy()
    expected = reference.predict_proba(scaler.transform(features.numpy()))
    np.testing.assert_allclose(probe.weight.numpy() * scaler.scale_, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


def test_blocks_give_the_same_probe():
    features, labels = blobs(0)
    whole, parts = (fit_linear_probe(features, labels, 4, block_size=b) for b in (1000, 33))
    torch.testing.assert_close(parts.weight, whole.weight, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(parts.logits(features), whole.logits(features), rtol=0, atol=1e-4)
    assert torch.equal(parts.predict(features, block_size=7), whole.predict(features))


def test_scale_and_place_of_a_feature_do_not_matter():
    features, labels = blobs(0)
    moved = features * 7 - 40
    probe, other = fit_linear_probe(features, labels, 4), fit_linear_probe(moved, labels, 4)
    torch.testing.assert_close(other.logits(moved), probe.logits(features), rtol=0, atol=1e-4)


@pytest.mark.parametrize('constant', [0.0, 0.1, 1e6])
def test_a_constant_feature_is_without_effect(constant):
    features, labels = blobs(0)
    padded = torch.cat([features, torch.full((200, 1), constant, dtype=torch.float64)], dim=1)
    probe, other = fit_linear_probe(features, labels, 4), fit_linear_probe(padded, labels, 4)
    assert other.weight[:, -1].abs().max() < 1e-9
    torch.testing.assert_close(other.logits(padded), probe.logits(features), rtol=0, atol=1e-4)


def test_single_and_half_precision_agree_with_double():
    features, labels = blobs(0)
    expected = fit_linear_probe(features, labels, 4).predict(features)
    for dtype, agreement in ((torch.float32, 0.99), (torch.float16, 0.95)):
        probe = fit_linear_probe(features.to(dtype), labels, 4)
        assert probe.weight.dtype == torch.float32
        assert accuracy(probe.predict(features.to(dtype)), expected) >= agreement


def test_same_input_same_output_without_autograd():
    features, labels = blobs(0)
    with torch.inference_mode():
        cached = features + 0
    with torch.no_grad():
        probe, other = (fit_linear_probe(cached, labels, 4) for _ in range(2))
    assert torch.equal(probe.weight, other.weight) and torch.equal(probe.bias, other.bias)
    assert not probe.weight.requires_grad


def test_an_absent_class_is_never_predicted():
    features, labels = blobs(0)
    probe = fit_linear_probe(features, labels, num_classes=6)
    assert probe.predict(features).max() < 4


@pytest.mark.parametrize('bad', [-1, 4])
def test_a_label_out_of_range_is_refused(bad):
    features, labels = blobs(0)
    labels[0] = bad
    with pytest.raises(ValueError, match='set num_classes above the largest label'):
        fit_linear_probe(features, labels, 4)
