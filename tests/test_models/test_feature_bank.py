import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import normalize

from mmrcl.models import FeatureBank


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(*shape, generator=generator), dim=-1)


@given(seed=st.integers(0, 99), momentum=st.sampled_from([0, 0.3, 0.5, 0.99]))
def test_equal_to_a_list_of_averages(seed, momentum):
    bank = FeatureBank(9, 4, momentum=momentum)
    expected = [row.double() for row in bank.features]
    generator = torch.Generator().manual_seed(seed)
    for step in range(4):
        indices, features = torch.randperm(9, generator=generator)[:5], draw(5, 4, seed=step)
        bank.update(indices, features)
        for index, feature in zip(indices.tolist(), features.double(), strict=True):
            mean = momentum * expected[index] + (1 - momentum) * feature
            expected[index] = mean / mean.pow(2).sum().sqrt()
    assert torch.allclose(bank.features.double(), torch.stack(expected), atol=1e-5)


def test_an_image_that_occurs_twice_counts_with_its_mean():
    bank, twin = FeatureBank(6, 3), FeatureBank(6, 3)
    twin.load_state_dict(bank.state_dict())
    features = draw(4, 3)
    bank.update(torch.tensor([4, 1, 4, 0]), features)
    mean = torch.stack([(features[0] + features[2]) / 2, features[1], features[3]])
    twin.update(torch.tensor([4, 1, 0]), mean)
    assert torch.allclose(bank.features, twin.features, atol=1e-6)


def test_rows_start_as_unit_vectors_of_the_seed():
    first, second, other = (torch.manual_seed(seed) and FeatureBank(50, 8) for seed in (1, 1, 2))
    assert torch.allclose(first.features.norm(dim=1), torch.ones(50))
    assert first.features.mean().abs() < 0.1
    assert torch.equal(first.features, second.features)
    assert not torch.equal(first.features, other.features)


def test_the_buffer_stays_where_it_is_and_in_the_checkpoint():
    bank, twin = FeatureBank(6, 3), FeatureBank(6, 3)
    place = bank.features.data_ptr()
    bank.update(torch.tensor([4, 0]), draw(2, 3))
    assert bank.features.data_ptr() == place
    twin.load_state_dict(bank.state_dict())
    for each in (bank, twin):
        each.update(torch.tensor([4, 1]), draw(2, 3, seed=1))
    assert torch.equal(bank.features, twin.features)


def test_rows_taken_before_an_update_stay_for_the_backward_pass():
    bank, queries = FeatureBank(6, 3), draw(2, 3).requires_grad_()
    indices = torch.tensor([4, 0])
    rows = bank.features[indices]
    loss = (queries * rows).sum() + (queries[:, None] * bank.sample_others(indices, 2)).sum() * 0
    bank.update(indices, queries)
    loss.backward()
    assert torch.equal(queries.grad, rows)


def test_drawn_images_are_the_others_equally_often():
    bank = FeatureBank(5, 2)
    bank.features.copy_(torch.arange(5)[:, None].expand(5, 2))
    torch.manual_seed(0)
    drawn = bank.sample_others(torch.tensor([0, 2, 4]), 4000)[..., 0].long()
    assert drawn.shape == (3, 4000)
    for image, row in zip([0, 2, 4], drawn, strict=True):
        counts = row.bincount(minlength=5)
        assert counts[image] == 0
        # Each of the other four: 1,000 with a standard deviation of 27.
        assert (counts[counts > 0] - 1000).abs().max() < 110
        assert (counts > 0).sum() == 4


def test_too_short_for_the_data_set():
    bank = FeatureBank(7, 2)
    bank.check(7)
    with pytest.raises(ValueError, match='model.bank.length=8, the number of images'):
        bank.check(8)


@pytest.mark.parametrize('shape', [(7, 4), (9, 4), (8, 5)])
def test_a_bank_of_another_size_is_refused_by_name(shape):
    owner = torch.nn.ModuleDict(dict(bank=FeatureBank(8, 4)))
    state = torch.nn.ModuleDict(dict(bank=FeatureBank(*shape))).state_dict()
    with pytest.raises(ValueError, match=f'{shape[0]} rows of {shape[1]} .* model.bank.length=8'):
        owner.load_state_dict(state)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(length=1), 'model.bank.length=1 must be'),
        (dict(length=4, momentum=1), 'model.bank.momentum=1 must be'),
        (dict(length=4, momentum=-0.1), 'model.bank.momentum=-0.1 must be'),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        FeatureBank(**settings)
