import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmrcl.models.losses.streaming_logsumexp import streaming_logsumexp


def plain(queries, entries, query_labels, entry_labels):
    excluded = (query_labels[:, :, None] == entry_labels[:, None]) | (entry_labels < 0)[:, None]
    logits = queries @ entries.T
    return logits.masked_fill(excluded, torch.finfo(logits.dtype).min).logsumexp(2)


def value_and_gradient(function, queries, *given, **settings):
    queries = queries.clone().requires_grad_()
    value = function(queries, *given, **settings)
    weight = torch.linspace(0.5, 2, value.numel(), dtype=value.dtype).view_as(value)
    return value.detach(), torch.autograd.grad((value * weight).sum(), queries)[0]


@given(seed=st.integers(0, 10**6), block=st.integers(1, 200), scale=st.sampled_from([1, 10, 400]))
def test_equal_to_the_plain_one_for_any_block(seed, block, scale):
    """Scale 400 would overflow without the running maximum; no entry is left for some queries."""
    generator = torch.Generator().manual_seed(seed)
    levels, num, length, dim = (
        int(torch.randint(1, top, (), generator=generator)) for top in (4, 9, 40, 6)
    )
    labelings = (1, levels)[seed % 2]
    queries = scale * torch.randn(levels, num, dim, generator=generator, dtype=torch.float64)
    entries = torch.randn(length, dim, generator=generator, dtype=torch.float64)
    query_labels = torch.randint(3, (labelings, num), generator=generator)
    entry_labels = torch.randint(-1, 2 + seed % 3, (labelings, length), generator=generator)
    given = (queries, entries, query_labels, entry_labels)
    expected = value_and_gradient(plain, *given)
    found = value_and_gradient(streaming_logsumexp, *given, block_size=block)
    left = expected[0] > -1e300
    assert torch.allclose(found[0][left], expected[0][left], rtol=1e-12)
    assert torch.allclose(found[1][left], expected[1][left], rtol=1e-9, atol=1e-12)
    assert (found[0][~left] < -1e300).all()
    assert found[1].isfinite().all()


@pytest.mark.parametrize('length', [4096, 98304])
def test_float32_agrees_to_five_digits(length):
    generator = torch.Generator().manual_seed(length)
    queries = (
        torch.nn.functional.normalize(torch.randn(3, 16, 64, generator=generator), dim=2) / 0.1
    )
    entries = torch.nn.functional.normalize(torch.randn(length, 64, generator=generator), dim=1)
    labels = torch.arange(16)[None], torch.arange(length)[None] % 5000
    expected = value_and_gradient(plain, queries.double(), entries.double(), *labels)
    for part, reference in zip(
        value_and_gradient(streaming_logsumexp, queries, entries, *labels), expected, strict=True
    ):
        assert (part - reference).norm() <= 1e-5 * reference.norm()
