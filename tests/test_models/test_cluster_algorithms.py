"""One step of the methods that learn clusters, read slowly, and what they promise."""

import copy

import pytest
import torch
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from torch.nn.functional import normalize

from mmrcl.registry import MODELS

from .test_baseline_algorithms import NECK, images_of, total
from .test_cluster_losses import (
    literal_classification,
    literal_local_aggregation,
    literal_neighbors,
)
from .test_rcl import merged

PARTS = dict(
    ClusterClassifier=dict(
        head=dict(
            type='PseudoLabelHead',
            num_classes=4,
            num_classifiers=2,
            in_channels=8,
            loss=dict(type='PseudoLabelLoss', power=1.0),
        ),
        hierarchy=dict(type='PseudoLabels', num_classes=4, num_levels=3, num_samples=20),
    ),
    ODC=dict(
        head=dict(
            type='PseudoLabelHead',
            num_classes=4,
            in_channels=8,
            loss=dict(type='PseudoLabelLoss', power=0.5),
        ),
        hierarchy=dict(
            type='OnlineClusters', num_classes=4, min_size=2, feat_dim=8, num_samples=20
        ),
    ),
    LocalAgg=dict(
        head=dict(
            type='LocalAggregationHead',
            num_background=6,
            loss=dict(type='LocalAggregationLoss', temperature=0.2),
        ),
        hierarchy=dict(
            type='LabelHierarchy', num_levels=3, feat_dim=8, num_samples=20, bank_momentum=0.5
        ),
    ),
)
ALGORITHMS = list(PARTS)
LABELS = torch.stack([torch.arange(20) // 5, torch.arange(20) % 3])


def build(algorithm: str, **changes):
    torch.manual_seed(0)
    backbone = dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4)
    parts = dict(type=algorithm, backbone=backbone, neck=NECK, **PARTS[algorithm])
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(merged(copy.deepcopy(parts), changes))


def batch(num: int = 6, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    view = torch.randn(num, 3, 8, 8, generator=generator)
    indices = torch.randperm(20, generator=generator)[:num].tolist()
    return [view], [DataSample(metainfo=dict(sample_idx=index)) for index in indices]


def clustered(algorithm: str, **changes):
    model = build(algorithm, **changes)
    bank = torch.randn(20, 8, generator=torch.Generator().manual_seed(5))
    model.hierarchy.set_bank(bank)
    model.hierarchy.set_labels(LABELS[: model.hierarchy.num_levels - 1], nested=False)
    return model


def check_gradients(model, twin, loss, expected) -> None:
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for (name, first), second in zip(model.named_parameters(), twin.parameters(), strict=True):
        assert torch.allclose(first.grad, second.grad, rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize('algorithm', ['ClusterClassifier', 'ODC'])
def test_step_of_classification(algorithm):
    model = clustered(algorithm)
    twin = copy.deepcopy(model)
    views, samples = batch()
    loss = model.loss(views, samples)['loss']

    images = images_of(samples)
    labels = LABELS[: twin.hierarchy.num_levels - 1]
    z = twin.neck(twin.backbone(views[0]))[0]
    scores = twin.head.fc(z).double().unflatten(1, (-1, 4)).transpose(0, 1)
    sizes = torch.stack([level.bincount()[level] for level in labels])
    expected = literal_classification(
        scores, labels[:, images], sizes[:, images], twin.head.loss_module.power
    )
    check_gradients(model, twin, loss, expected)


def test_odc_remembers_after_the_loss():
    model = clustered('ODC')
    memory = copy.deepcopy(model.hierarchy)
    twin = copy.deepcopy(model)
    views, samples = batch()
    share = model.loss(views, samples)['relabeled']
    features = normalize(twin.neck(twin.backbone(views[0]))[0].detach(), dim=1)
    assert torch.equal(memory.relabel(images_of(samples), features), share)
    assert torch.equal(model.hierarchy.labels, memory.labels)
    assert torch.allclose(model.hierarchy.bank, memory.bank, atol=1e-6)
    assert not torch.equal(memory.bank, twin.hierarchy.bank)


@pytest.mark.parametrize('with_labels', [True, False])
def test_step_of_local_aggregation(with_labels):
    model = clustered('LocalAgg') if with_labels else build('LocalAgg')
    model.loss(*batch(12, seed=1))
    twin = copy.deepcopy(model)
    views, samples = batch(seed=2)
    loss = model.loss(views, samples)['loss']

    images, bank = images_of(samples), twin.hierarchy.bank.double()
    queries = normalize(twin.neck(twin.backbone(views[0]))[0].double(), dim=1)
    if with_labels:
        found = literal_neighbors(queries.detach(), images, bank, LABELS, 6)
    else:
        found = [list(range(20))] * 6, [{image} for image in images.tolist()]
    expected = literal_local_aggregation(queries, bank, *found, 0.2)
    check_gradients(model, twin, loss, expected)
    # Afterwards the entries are halfway to the queries; the first feature of an image is its entry.
    for image, query in zip(images.tolist(), queries.detach(), strict=True):
        old = bank[image]
        moved = normalize(old + query, dim=0)
        assert torch.allclose(model.hierarchy.bank[image].double(), moved, atol=1e-6)
    others = [image for image in range(20) if image not in images.tolist()]
    assert torch.equal(model.hierarchy.bank[others], twin.hierarchy.bank[others])


def test_keys_and_scores_are_those_of_the_encoder():
    model = build('ClusterClassifier').eval()
    views, _ = batch()
    z = model.neck(model.backbone(views[0]))[0].detach()
    assert torch.allclose(model.extract_keys(views[0]), normalize(z, dim=1), atol=1e-6)
    assert torch.allclose(model.extract_scores(views[0]), model.head.fc(z), atol=1e-5)


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_every_parameter_gets_a_gradient(algorithm):
    model = clustered(algorithm)
    total(model.loss(*batch())).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_all_state_is_in_the_checkpoint(algorithm):
    """A twin that loads the state takes the same next step."""
    model, twin = clustered(algorithm), build(algorithm)
    model.loss(*batch(12, seed=1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    twin.load_state_dict(model.state_dict())
    first = total(model.loss(*batch(seed=2)))
    assert torch.equal(total(twin.loss(*batch(seed=2))), first)
    for name, value in model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name]), name


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_mixed_precision_changes_the_loss_little(algorithm):
    model = clustered(algorithm)
    twin = copy.deepcopy(model)
    expected = total(model.loss(*batch()))
    with torch.autocast('cpu', torch.bfloat16):
        loss = total(twin.loss(*batch()))
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), abs=0.15)


@pytest.mark.parametrize('algorithm', ALGORITHMS)
def test_pipelines_that_do_not_fit(algorithm):
    model = clustered(algorithm)
    views, samples = batch()
    with pytest.raises(ValueError, match=f'{algorithm} takes one view'):
        model.loss([*views, views[0]], samples)
    with pytest.raises(ValueError, match=f'{algorithm} needs the dataset index'):
        model.loss(views, [DataSample()] * 6)


@pytest.mark.parametrize(
    ('algorithm', 'changes', 'message'),
    [
        ('ODC', dict(neck=dict(in_channels=64)), 'set model.neck.in_channels=32'),
        ('ODC', dict(head=dict(in_channels=4)), 'set model.head.in_channels=8'),
        ('ODC', dict(hierarchy=dict(feat_dim=4)), 'set model.neck.out_channels=4'),
        ('ODC', dict(head=dict(num_classes=5)), 'model.head.num_classes=4'),
        ('ClusterClassifier', dict(head=dict(num_classifiers=1)), 'num_classifiers=2'),
        ('LocalAgg', dict(neck=dict(out_channels=4)), 'set model.neck.out_channels=8'),
    ],
)
def test_shapes_that_do_not_fit(algorithm, changes, message):
    make = clustered if 'head' in changes else build
    with pytest.raises(ValueError, match=message):
        make(algorithm, **changes).loss(*batch())


@pytest.mark.parametrize('algorithm', ['ClusterClassifier', 'ODC'])
def test_there_is_nothing_to_learn_before_a_clustering(algorithm):
    with pytest.raises(ValueError, match='add HierarchicalClusteringHook with warmup_epochs=0'):
        build(algorithm).loss(*batch())
