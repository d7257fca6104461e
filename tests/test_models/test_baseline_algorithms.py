"""One step of NNCLR, MSF and PCL, read slowly, and what they promise."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from torch.nn.functional import normalize

from mmrcl.models import NearestNeighborLoss
from mmrcl.registry import MODELS

from .test_baseline_losses import literal_instance, literal_nnclr, literal_prototypical
from .test_rcl import merged

BN = dict(type='BN1d')
NECK = dict(type='NonLinearNeck', in_channels=32, hid_channels=16, out_channels=8, norm_cfg=BN)
PREDICTOR = dict(NECK, in_channels=8, with_avg_pool=False, with_last_bn=False, with_last_bias=True)
COMMON = dict(
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
    neck=NECK,
    queue=dict(type='SupportQueue', length=32, feat_dim=8),
)
PARTS = dict(
    NNCLR=dict(
        head=dict(
            type='LatentPredictHead',
            predictor=PREDICTOR,
            loss=dict(type='NearestNeighborLoss', temperature=0.1),
        ),
    ),
    MSF=dict(
        num_neighbors=3,
        momentum=0.05,
        head=dict(type='LatentPredictHead', predictor=PREDICTOR, loss=dict(type='MeanShiftLoss')),
    ),
    PCL=dict(
        momentum=0.05,
        head=dict(
            type='ProtoNCEHead',
            instance_loss=dict(type='RelativeContrastiveLoss', temperature=0.2),
            prototype_loss=dict(type='PrototypicalLoss'),
        ),
        hierarchy=dict(type='PrototypeHierarchy', num_levels=3, feat_dim=8, num_samples=20),
    ),
)
ALGORITHMS = list(PARTS)


def build(algorithm: str, **changes):
    torch.manual_seed(0)
    parts = dict(type=algorithm, **copy.deepcopy(COMMON), **copy.deepcopy(PARTS[algorithm]))
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(merged(parts, changes))


def batch(num: int = 6, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    views = [torch.randn(num, 3, 8, 8, generator=generator) for _ in range(2)]
    indices = torch.randperm(20, generator=generator)[:num].tolist()
    return views, [DataSample(metainfo=dict(sample_idx=index)) for index in indices]


def images_of(samples) -> torch.Tensor:
    return torch.tensor([sample.sample_idx for sample in samples])


def cluster(model) -> None:
    generator = torch.Generator().manual_seed(5)
    model.hierarchy.set_bank(torch.randn(20, 8, generator=generator))
    labels = torch.stack([torch.arange(20) // 2, torch.arange(20) // 5])
    model.hierarchy.set_labels(labels, nested=False)


def total(losses: dict) -> torch.Tensor:
    return sum(value for name, value in losses.items() if 'loss' in name)


def filled_queue(model) -> list[torch.Tensor]:
    filled = model.queue.indices >= 0
    return list(model.queue.features[filled].double())


def nearest(queries, stored, k=1) -> torch.Tensor:
    rows = [
        sorted(stored, key=lambda entry: -float(query.double() @ entry))[:k] for query in queries
    ]
    return torch.stack([torch.stack(row) for row in rows])


def test_nnclr_step():
    model = build('NNCLR')
    model.loss(*batch(12, seed=1))
    twin, stored = copy.deepcopy(model), filled_queue(model)
    views, samples = batch(seed=2)
    loss = model.loss(views, samples)['loss']

    z = [twin.neck(twin.backbone(view))[0] for view in views]
    keys = [normalize(part.detach(), dim=1) for part in z]
    near = [nearest(part, stored)[:, 0] for part in keys]
    predictions = [twin.head.predictor([part])[0].double() for part in reversed(z)]
    expected = sum(literal_nnclr(*pair, 0.1) for pair in zip(predictions, near, strict=True)) / 2
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for first, second in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(first.grad, second.grad, rtol=1e-3, atol=1e-5)
    # View 1 enters the queue, and only it.
    assert torch.allclose(model.queue.features[12:18], keys[0], atol=1e-6)
    assert torch.equal(model.queue.indices[12:18], images_of(samples))
    assert (model.queue.indices >= 0).sum() == 18


def test_nnclr_of_a_queue_of_the_own_keys_contrasts_the_two_views():
    """SimCLR with a predictor: each projection finds itself."""
    model = build('NNCLR')
    views, samples = batch()
    z = [model.neck(model.backbone(view))[0].detach() for view in views]
    for part in z:
        model.queue.enqueue(normalize(part, dim=1), images_of(samples))
    twin = copy.deepcopy(model)
    loss = model.loss(views, samples)['loss']
    p_1, p_2 = (twin.head.predictor([part])[0] for part in z)
    expected = (NearestNeighborLoss(0.1)(p_2, z[0]) + NearestNeighborLoss(0.1)(p_1, z[1])) / 2
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_msf_step():
    model = build('MSF')
    model.loss(*batch(12, seed=1))
    twin = copy.deepcopy(model)
    views, samples = batch(seed=2)
    loss = model.loss(views, samples)['loss']

    twin.momentum_encoder.update_parameters(torch.nn.Sequential(twin.backbone, twin.neck))
    target = normalize(twin.momentum_encoder(views[1])[0], dim=1)
    stored = [*filled_queue(twin), *target.double()]
    prediction = twin.head.predictor([twin.neck(twin.backbone(views[0]))[0]])[0]
    query = normalize(prediction.double(), dim=1)
    near = nearest(target, stored, 3)
    assert torch.equal(near[:, 0], target.double())
    expected = (query[:, None] - near).pow(2).sum(2).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for (name, first), second in zip(model.named_parameters(), twin.parameters(), strict=True):
        if first.requires_grad:
            assert torch.allclose(first.grad, second.grad, rtol=1e-3, atol=1e-5), name
    assert torch.equal(model.queue.indices[12:18], images_of(samples))


def test_msf_with_one_neighbor_is_byol_in_one_direction():
    model = build('MSF', num_neighbors=1)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        head = MODELS.build(
            dict(
                type='LatentPredictHead',
                predictor=PREDICTOR,
                loss=dict(type='CosineSimilarityLoss', shift_factor=2, scale_factor=2),
            )
        )
    model.loss(*batch(12, seed=1))
    twin = copy.deepcopy(model)
    head.predictor.load_state_dict(twin.head.predictor.state_dict())
    views, samples = batch(seed=2)
    loss = model.loss(views, samples)['loss']
    twin.momentum_encoder.update_parameters(torch.nn.Sequential(twin.backbone, twin.neck))
    target = twin.momentum_encoder(views[1])[0]
    expected = head.loss(twin.neck(twin.backbone(views[0]))[0], target)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize('clustered', [False, True])
def test_pcl_step(clustered):
    model = build('PCL')
    model.loss(*batch(12, seed=1))
    if clustered:
        cluster(model)
    twin = copy.deepcopy(model)
    views, samples = batch(seed=2)
    indices = images_of(samples)
    assert torch.isin(indices, twin.queue.indices).any()
    loss = total(model.loss(views, samples))

    twin.momentum_encoder.update_parameters(torch.nn.Sequential(twin.backbone, twin.neck))
    keys = normalize(twin.momentum_encoder(views[1])[0], dim=1)
    queries = normalize(twin.neck(twin.backbone(views[0]))[0].double(), dim=1)
    expected = literal_instance(queries, keys.double(), indices, twin.queue)
    if clustered:
        levels = twin.hierarchy.prototypes_of(indices)
        expected = expected + literal_prototypical(
            queries, [level._replace(centers=level.centers.double()) for level in levels]
        )
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    loss.backward()
    expected.backward()
    for (name, first), second in zip(model.named_parameters(), twin.parameters(), strict=True):
        if first.requires_grad:
            assert torch.allclose(first.grad, second.grad, rtol=1e-3, atol=1e-4), name
    assert torch.allclose(model.queue.features[12:18], keys, atol=1e-6)
    assert torch.equal(model.last_keys.indices, indices)
    assert torch.allclose(model.last_keys.features, keys, atol=1e-6)


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_every_trained_parameter_gets_a_gradient(algorithm):
    model = build(algorithm)
    model.loss(*batch(seed=1))
    total(model.loss(*batch(seed=2))).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
    if hasattr(model, 'momentum_encoder'):
        assert not any(part.requires_grad for part in model.momentum_encoder.parameters())


@pytest.mark.parametrize('algorithm', ['MSF', 'PCL'])
def test_momentum_encoder_takes_a_constant_share(algorithm):
    model = build(algorithm)
    model.loss(*batch())
    average = dict(model.momentum_encoder.module.named_parameters())['0.conv1.weight']
    for _ in range(2):
        before = average.clone()
        model.backbone.conv1.weight.data += 1
        model.loss(*batch())
        expected = before.lerp(model.backbone.conv1.weight.data, 0.05)
        assert torch.allclose(average, expected, atol=1e-6)


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_all_state_is_in_the_checkpoint(algorithm):
    """A twin that loads the state takes the same next step."""
    model, twin = build(algorithm), build(algorithm)
    model.loss(*batch(12, seed=1))
    if algorithm == 'PCL':
        cluster(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    twin.load_state_dict(model.state_dict())
    torch.manual_seed(3)
    first = total(model.loss(*batch(seed=2)))
    torch.manual_seed(3)
    assert torch.equal(total(twin.loss(*batch(seed=2))), first)
    for name, value in model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name]), name


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_mixed_precision_changes_the_loss_little(algorithm, dtype):
    model = build(algorithm)
    model.loss(*batch(12, seed=1))
    if algorithm == 'PCL':
        cluster(model)
    twin = copy.deepcopy(model)
    expected = total(model.loss(*batch(12, seed=2)))
    with torch.autocast('cpu', dtype):
        loss = total(twin.loss(*batch(12, seed=2)))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), abs=0.15)


@pytest.mark.parametrize('algorithm', ALGORITHMS)
@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(neck=dict(in_channels=64)), 'set model.neck.in_channels=32'),
        (dict(neck=dict(out_channels=4)), 'set model.neck.out_channels=8'),
        (dict(head=dict(predictor=dict(in_channels=4))), 'set model.head.predictor.in_channels=8'),
        (dict(head=dict(predictor=dict(out_channels=4))), 'predictor.out_channels=8'),
    ],
)
def test_shapes_that_do_not_fit(algorithm, changes, message):
    if algorithm == 'PCL' and 'head' in changes:
        pytest.skip('PCL has no predictor')
    with pytest.raises(ValueError, match=message):
        build(algorithm, **changes).loss(*batch())


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_pipelines_that_do_not_fit(algorithm):
    model = build(algorithm)
    views, samples = batch()
    for wrong in (views[0], [*views, views[0]]):
        with pytest.raises(ValueError, match=f'{algorithm} takes two views.*MultiView'):
            model.loss(wrong, samples)
    with pytest.raises(ValueError, match=f'{algorithm} needs the dataset index.*PackInputs'):
        model.loss(views, [DataSample()] * 6)


@pytest.mark.parametrize(
    ('algorithm', 'changes', 'message'),
    [
        ('MSF', dict(num_neighbors=33), 'num_neighbors=33 must be .* model.queue.length=32'),
        ('MSF', dict(num_neighbors=0), 'num_neighbors=0 must be'),
        ('PCL', dict(hierarchy=dict(feat_dim=4)), 'model.hierarchy.feat_dim=4'),
    ],
)
def test_settings_that_do_not_fit(algorithm, changes, message):
    with pytest.raises(ValueError, match=message):
        build(algorithm, **changes)
