"""One step of InstDisc, PIRL and CMC, read slowly, and what they promise."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .test_baseline_algorithms import images_of, total
from .test_noise_contrastive_loss import literal_nce, literal_pirl, mean_score
from .test_rcl import merged

ENCODER = dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4)
COMMON = dict(
    neck=dict(type='LinearNeck', in_channels=32, out_channels=8, gap_dim=2, norm_cfg=None),
    head=dict(
        type='NoiseContrastiveHead',
        num_negatives=5,
        loss=dict(type='NoiseContrastiveLoss', temperature=0.2),
    ),
    bank=dict(type='FeatureBank', length=20, feat_dim=8, momentum=0.3),
)
HALVES = dict(
    type='HalvesBackbone',
    halves=dict(type='ColorHalves'),
    encoders=[dict(ENCODER, in_channels=1), dict(ENCODER, in_channels=2)],
)
PARTS = dict(
    InstDisc=dict(backbone=ENCODER, proximal_weight=0.7),
    PIRL=dict(
        backbone=ENCODER,
        patch_weight=0.4,
        patch_neck=dict(type='JigsawNeck', in_channels=32, out_channels=8, num_patches=4),
        head=dict(loss=dict(normalizer='query')),
    ),
    CMC=dict(backbone=HALVES),
)
ALGORITHMS = list(PARTS)


def build(algorithm: str, **changes):
    torch.manual_seed(0)
    parts = merged(copy.deepcopy(COMMON), copy.deepcopy(PARTS[algorithm]))
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(merged(dict(parts, type=algorithm), copy.deepcopy(changes)))


def batch(algorithm: str, num: int = 6, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    sizes = [(8, 8), (16, 4)] if algorithm == 'PIRL' else [(8, 8)]
    views = [torch.randn(num, 3, *size, generator=generator) for size in sizes]
    indices = torch.randperm(20, generator=generator)[:num].tolist()
    return views, [DataSample(metainfo=dict(sample_idx=index)) for index in indices]


def drawn_rows(bank, indices, seed: int):
    """The positives, and the negatives that a step after this seed draws first."""
    torch.manual_seed(seed)
    return bank.features[indices].double(), bank.sample_others(indices, 5).double()


def check_bank(bank, before, indices, features) -> None:
    expected = before.features.clone()
    expected[indices] = normalize(0.3 * expected[indices] + 0.7 * features.float(), dim=1)
    assert torch.allclose(bank.features, expected, atol=1e-6)
    assert not torch.equal(bank.features, before.features)


def check_gradients(model, twin, loss, expected) -> None:
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    loss.backward()
    expected.backward()
    for (name, first), second in zip(model.named_parameters(), twin.parameters(), strict=True):
        assert torch.allclose(first.grad, second.grad, rtol=1e-3, atol=1e-4), name


def test_instdisc_step():
    model = build('InstDisc')
    twin, (views, samples) = copy.deepcopy(model), batch('InstDisc')
    indices = images_of(samples)
    positives, negatives = drawn_rows(twin.bank, indices, seed=3)
    torch.manual_seed(3)
    losses = model.loss(views, samples)

    feature = normalize(twin.neck(twin.backbone(views[0]))[0].double(), dim=1)
    mean = mean_score(feature.detach(), negatives, 0.2)
    nce = literal_nce(feature, positives, negatives, 0.2, mean)
    proximal = sum((f - p).pow(2).sum() for f, p in zip(feature, positives, strict=True)) / 6
    assert losses['nce_loss'].item() == pytest.approx(nce.item(), rel=1e-4)
    check_gradients(model, twin, total(losses), nce + 0.7 * proximal)
    check_bank(model.bank, twin.bank, indices, feature.detach())


def test_pirl_step():
    model = build('PIRL')
    twin, (views, samples) = copy.deepcopy(model), batch('PIRL')
    indices = images_of(samples)
    positives, negatives = drawn_rows(twin.bank, indices, seed=3)
    others = twin.bank.sample_others(indices, 5).double()
    torch.manual_seed(3)
    losses = model.loss(views, samples)

    feature = normalize(twin.neck(twin.backbone(views[0]))[0].double(), dim=1)
    patches = torch.stack([strip[:, 4 * i : 4 * i + 4] for strip in views[1] for i in range(4)])
    patch_feature = normalize(twin.patch_neck(twin.backbone(patches))[0].double(), dim=1)
    image_loss = literal_pirl(feature, positives, negatives, 0.2)
    patch_loss = literal_pirl(patch_feature, positives, others, 0.2)
    check_gradients(model, twin, total(losses), 0.6 * image_loss + 0.4 * patch_loss)
    check_bank(model.bank, twin.bank, indices, feature.detach())


def test_cmc_step():
    model = build('CMC')
    twin, (views, samples) = copy.deepcopy(model), batch('CMC')
    indices = images_of(samples)
    of_second = drawn_rows(twin.banks[1], indices, seed=3)
    rows = twin.banks[0].features[indices].double()
    of_first = rows, twin.banks[0].sample_others(indices, 5).double()
    torch.manual_seed(3)
    losses = model.loss(views, samples)

    halves = twin.backbone.halves(views[0])
    features = [
        normalize(neck(encoder(half))[0].double(), dim=1)
        for neck, encoder, half in zip(twin.necks, twin.backbone.encoders, halves, strict=True)
    ]
    expected = 0
    for feature, (positives, negatives) in zip(features, (of_second, of_first), strict=True):
        mean = mean_score(feature.detach(), negatives, 0.2)
        expected = expected + literal_nce(feature, positives, negatives, 0.2, mean)
    check_gradients(model, twin, total(losses), expected)
    for bank, before, feature in zip(model.banks, twin.banks, features, strict=True):
        check_bank(bank, before, indices, feature.detach())
    assert not torch.equal(model.heads[0].loss_module.log_mean, model.heads[1].loss_module.log_mean)


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_all_state_is_in_the_checkpoint(algorithm):
    """A twin that loads the state takes the same next step."""
    model, twin = build(algorithm), build(algorithm)
    model.loss(*batch(algorithm, 12, seed=1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    twin.load_state_dict(model.state_dict())
    found = []
    for each in (model, twin):
        torch.manual_seed(3)
        found.append(total(each.loss(*batch(algorithm, seed=2))))
    assert torch.equal(*found)
    for name, value in model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name]), name


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_mixed_precision_changes_the_loss_little(algorithm, dtype):
    model = build(algorithm)
    twin, parts = copy.deepcopy(model), batch(algorithm, 12, seed=2)
    torch.manual_seed(3)
    expected = total(model.loss(*parts))
    torch.manual_seed(3)
    with torch.autocast('cpu', dtype):
        loss = total(twin.loss(*parts))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), abs=0.3)


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_parts_and_pipelines_that_do_not_fit(algorithm):
    parts = batch(algorithm)
    with pytest.raises(ValueError, match='set model.neck.in_channels=32'):
        build(algorithm, neck=dict(in_channels=16)).loss(*parts)
    with pytest.raises(ValueError, match='model.bank holds 8: set model.neck.out_channels=8'):
        build(algorithm, neck=dict(out_channels=4)).loss(*parts)
    model, (views, samples) = build(algorithm), parts
    with pytest.raises(ValueError, match=f'{algorithm} takes (one|two) views? of each image'):
        model.loss([*views, views[0]], samples)
    with pytest.raises(ValueError, match=f'{algorithm} needs the dataset index'):
        model.loss(views, [DataSample()] * 6)


@pytest.mark.parametrize(
    ('algorithm', 'changes', 'message'),
    [
        ('InstDisc', dict(proximal_weight=-1), 'model.proximal_weight=-1 must be at least 0'),
        ('PIRL', dict(patch_weight=1.5), 'model.patch_weight=1.5 must be between 0 and 1'),
        ('PIRL', dict(patch_neck=dict(out_channels=4)), 'model.patch_neck.out_channels=4 and'),
        ('PIRL', dict(patch_neck=dict(num_patches=9)), 'model.patch_neck.num_patches=9 does not'),
        ('PIRL', dict(patch_neck=dict(in_channels=4)), 'set model.patch_neck.in_channels=32'),
    ],
)
def test_settings_that_do_not_fit(algorithm, changes, message):
    with pytest.raises(ValueError, match=message):
        build(algorithm, **changes).loss(*batch(algorithm))
