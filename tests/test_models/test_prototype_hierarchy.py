import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.models import PrototypeHierarchy

LABELS = torch.tensor([[0, 0, 1, 1, 1, 2, 3, 3, 4, 5], [7, 7, 7, 7, 7, 8, 8, 8, 8, 8]])


def filled(labels: torch.Tensor = LABELS, seed: int = 0, **settings) -> PrototypeHierarchy:
    hierarchy = PrototypeHierarchy(num_levels=3, feat_dim=6, num_samples=10, **settings)
    generator = torch.Generator().manual_seed(seed)
    hierarchy.set_bank(torch.randn(10, 6, generator=generator))
    hierarchy.set_labels(labels, nested=False)
    return hierarchy


def literal_level(bank, labels, temperature, alpha):
    """Prototypes and phi (Eq. 12) of one level, cluster by cluster."""
    members = {}
    for image, label in enumerate(labels.tolist()):
        members.setdefault(label, []).append(bank[image].double())
    means = [sum(group) / len(group) for group in members.values()]
    spreads = [
        sum((feature - mean).norm() for feature in group)
        / (len(group) * torch.tensor(len(group) + alpha).double().log())
        for group, mean in zip(members.values(), means, strict=True)
    ]
    loosest = max(spreads)
    phi = torch.stack(
        [
            loosest if len(group) == 1 else spread
            for group, spread in zip(members.values(), spreads, strict=True)
        ]
    )
    low, high = phi.quantile(0.1), phi.quantile(0.9)
    phi = torch.stack([min(max(value, low), high) for value in phi])
    numbers = {label: number for number, label in enumerate(members)}
    return (
        torch.stack([mean / mean.norm() for mean in means]),
        temperature * phi / phi.mean(),
        [numbers[label] for label in labels.tolist()],
    )


@pytest.mark.parametrize('seed', range(3))
def test_prototypes_and_concentrations(seed):
    hierarchy = filled(seed=seed, temperature=0.3, alpha=5.0)
    images = torch.tensor([9, 0, 3, 6])
    levels = hierarchy.prototypes_of(images)
    assert len(levels) == 2
    for labels, level in zip(LABELS, levels, strict=True):
        centers, phi, numbers = literal_level(hierarchy.bank, labels, 0.3, 5.0)
        assert torch.allclose(level.centers.double(), centers, atol=1e-6)
        assert torch.allclose(level.concentrations.double(), phi, rtol=1e-5)
        assert level.targets.tolist() == [numbers[int(image)] for image in images]
        assert level.concentrations.mean().item() == pytest.approx(0.3, rel=1e-5)


def test_a_tight_cluster_has_a_smaller_phi_and_a_pair_is_no_denser_for_being_small():
    hierarchy = PrototypeHierarchy(num_levels=2, feat_dim=6, num_samples=40)
    generator = torch.Generator().manual_seed(0)
    axes = torch.eye(6).repeat_interleave(torch.tensor([10, 10, 10, 2, 2, 6]), 0)
    noise = torch.randn(40, 6, generator=generator)
    scale = torch.tensor([0.02, 0.3, 0.3, 0.3, 0.3, 0.3]).repeat_interleave(
        torch.tensor([10, 10, 10, 2, 2, 6])
    )
    hierarchy.set_bank(axes + scale[:, None] * noise)
    hierarchy.set_labels(axes.argmax(1)[None])
    (level,) = hierarchy.prototypes_of(torch.arange(3))
    assert level.concentrations.argmin() == 0


def test_images_alone_are_their_own_prototypes_with_equal_phi():
    hierarchy = filled(torch.arange(10).repeat(2, 1))
    for level in hierarchy.prototypes_of(torch.arange(10)):
        assert torch.allclose(level.centers, hierarchy.bank, atol=1e-6)
        assert torch.allclose(level.concentrations, torch.full((10,), 0.2))
        assert torch.equal(level.targets, torch.arange(10))


def test_images_that_coincide_count_as_the_loosest_cluster():
    hierarchy = PrototypeHierarchy(num_levels=2, feat_dim=6, num_samples=9)
    features = torch.randn(9, 6, generator=torch.Generator().manual_seed(0))
    features[:3] = features[0]
    hierarchy.set_bank(features)
    hierarchy.set_labels(torch.arange(9)[None] // 3)
    (level,) = hierarchy.prototypes_of(torch.arange(9))
    assert level.concentrations[0] == level.concentrations.max()
    assert level.concentrations.isfinite().all()


def test_prototypes_stay_while_the_bank_moves():
    hierarchy = filled()
    before = hierarchy.centers.clone()
    hierarchy.update_bank(torch.arange(10), normalize(torch.ones(10, 6), dim=1))
    assert torch.equal(hierarchy.centers, before)


@pytest.mark.parametrize('samples', [0, 10])
def test_prototypes_travel_with_a_checkpoint(samples):
    source = filled()
    fresh = PrototypeHierarchy(num_levels=3, feat_dim=6, num_samples=samples)
    fresh.load_state_dict(source.state_dict())
    for old, new in zip(
        source.prototypes_of(torch.arange(10)), fresh.prototypes_of(torch.arange(10)), strict=True
    ):
        for first, second in zip(old, new, strict=True):
            assert torch.equal(first, second)


@pytest.mark.parametrize('settings', [dict(temperature=0.0), dict(alpha=0.5)])
def test_settings_that_do_not_fit(settings):
    with pytest.raises(ValueError, match=f'model.hierarchy.{next(iter(settings))}='):
        PrototypeHierarchy(num_levels=3, **settings)
