import copy

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from mmpretrain.structures import DataSample
from torch.nn.functional import cross_entropy, normalize

from mmrcl.models import SameImageRetriever
from mmrcl.models.selfsup import parts
from mmrcl.registry import MODELS

PARTS = dict(
    type='RCL',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=4, base_channels=4),
    neck=dict(
        type='NonLinearNeck',
        in_channels=32,
        hid_channels=16,
        out_channels=8,
        norm_cfg=dict(type='BN1d'),
    ),
    head=dict(
        type='RCLHead',
        predictor=dict(
            type='MultiPredictorNeck',
            in_channels=8,
            hid_channels=16,
            out_channels=8,
            num_predictors=3,
            norm_cfg=dict(type='BN1d'),
        ),
        loss=dict(type='RelativeContrastiveLoss'),
    ),
    queue=dict(type='SupportQueue', length=32, feat_dim=8),
    retrievers=[dict(type='SameImageRetriever'), dict(type='ClusterRetriever')],
    hierarchy=dict(type='LabelHierarchy', num_levels=3, feat_dim=8, num_samples=20),
)
INSTANCE_DISCRIMINATION = dict(
    hierarchy=None,
    retrievers=[dict(type='SameImageRetriever')],
    head=dict(predictor=dict(num_predictors=1)),
)


def merged(base: dict, changes: dict) -> dict:
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        base[key] = merged(base[key], value) if both else value
    return base


def build(**changes):
    torch.manual_seed(0)
    MessageHub.get_current_instance().update_info('max_iters', 100)
    with DefaultScope.overwrite_default_scope('mmrcl'):
        return MODELS.build(merged(copy.deepcopy(PARTS), changes))


def batch(num: int = 6, seed: int = 0):
    generator = torch.Generator().manual_seed(seed)
    views = [torch.randn(num, 3, 8, 8, generator=generator) for _ in range(2)]
    indices = torch.randperm(20, generator=generator)[:num].tolist()
    return views, [DataSample(metainfo=dict(sample_idx=index)) for index in indices]


def test_the_same_image_alone_is_infonce_in_both_directions():
    model = build(**INSTANCE_DISCRIMINATION)
    model.loss(*batch(12, seed=1))
    stored, filled = model.queue.features.clone(), model.queue.indices >= 0
    (view_1, view_2), samples = batch(seed=2)
    indices = torch.tensor([sample.sample_idx for sample in samples])
    own = model.queue.indices.clone()
    assert torch.isin(indices, own).any()
    twin = copy.deepcopy(model)
    loss = model.loss([view_1, view_2], samples)['loss']

    projections = [twin.project(view) for view in (view_1, view_2)]
    keys = [model.extract_keys(view) for view in (view_1, view_2)]
    expected = 0
    for projection, key in zip(projections, reversed(keys), strict=True):
        query = normalize(twin.head.predictor(projection)[0], dim=1)
        negatives = (query @ stored.T / 0.1).masked_fill(
            ~filled | (own == indices[:, None]), -torch.inf
        )
        logits = torch.cat([(query * key).sum(1, keepdim=True) / 0.1, negatives], 1)
        expected = expected + cross_entropy(logits, torch.zeros(6, dtype=torch.long)) / 2
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize('excluding', [False, True])
@pytest.mark.parametrize('negative_pairs', ['repel', 'graded', 'ignore'])
def test_the_loss_is_the_mean_of_both_directions(negative_pairs, excluding):
    loss = dict(negative_pairs=negative_pairs)
    model = build(
        head=dict(loss=loss, exclude_same_cluster=excluding),
        retrievers=[dict(type='SameImageRetriever'), dict(type='NearestRetriever')],
    )
    model.hierarchy.set_labels(torch.stack([torch.arange(20) // 2, torch.arange(20) // 4]))
    model.loss(*batch(12, seed=1))
    twin, views = copy.deepcopy(model), batch(12, seed=2)[0]
    indices = parts.sample_indices(batch(12, seed=2)[1], torch.device('cpu'), 'RCL')
    found = model.loss(*batch(12, seed=2))
    twin.update_momentum_encoder()
    predictions = [twin.head.predict(twin.project(view)) for view in views]
    keys = [twin.extract_keys(view) for view in views]
    first, second = (
        twin._compare(prediction, key, indices)
        for prediction, key in zip(predictions, reversed(keys), strict=True)
    )
    for name in ('loss', 'positives_level_1', 'key_probability', 'attracted_fraction'):
        expected = (first[name] + second[name]) / 2
        assert found[name].item() == pytest.approx(expected.item(), rel=1e-5), name


def test_keys_of_all_ranks_are_interleaved(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    indices = torch.randint(-5, 2**40, (3, 4), generator=generator)
    features = torch.randn(3, 4, 2, 5, generator=generator, dtype=torch.float64).to(torch.float32)
    features[0, 0, 0] = torch.tensor([torch.nan, torch.inf, -0.0, 1e-42, 3e38])
    sent = []
    monkeypatch.setattr(parts, 'all_gather', lambda shard: sent.append(shard) or [shard])
    alone = [parts.keys_of_all_ranks(*shard) for shard in zip(indices, features, strict=True)]
    for found, *expected in zip(alone, indices, features, strict=True):
        assert torch.equal(found.indices, expected[0])
        assert torch.equal(found.features.view(torch.int32), expected[1].view(torch.int32))
    monkeypatch.setattr(parts, 'all_gather', lambda shard: sent)
    found = parts.keys_of_all_ranks(indices[1], features[1])
    assert torch.equal(found.indices, indices.T.flatten())
    expected = features.transpose(0, 1).flatten(0, 1)
    assert torch.equal(found.features.view(torch.int32), expected.contiguous().view(torch.int32))


def test_before_clustering_the_loss_is_the_same_image_loss_of_every_predictor():
    model, own_only = build(), build(retrievers=[dict(type='SameImageRetriever')])
    own_only.load_state_dict(model.state_dict())
    for seed in range(3):
        losses = [part.loss(*batch(seed=seed)) for part in (model, own_only)]
        assert losses[0]['loss'].item() == pytest.approx(losses[1]['loss'].item(), rel=1e-6)
        assert losses[0]['retrieval_hit_rate'] == 0
        for level in (1, 2, 3):
            assert losses[0][f'positives_level_{level}'] == 1


def test_positive_masks_follow_the_hierarchy():
    model = build()
    labels = torch.stack([torch.arange(20) // 2, torch.arange(20) // 4])
    model.hierarchy.set_labels(labels)
    mask = model._positive_mask(torch.tensor([0, 5]), torch.tensor([[0, 1, 2, 4], [5, 4, 6, 0]]))
    expected = [
        [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]],
        [[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]],
    ]
    assert mask.int().tolist() == expected


def test_same_cluster_keys_are_found_and_labelled_after_clustering():
    model = build()
    model.hierarchy.set_labels(torch.stack([torch.arange(20) // 2, torch.arange(20) // 10]))
    model.loss(*batch(12, seed=1))
    losses = model.loss(*batch(12, seed=2))
    assert losses['retrieval_hit_rate'] == 1
    assert losses['positives_level_1'] == 0.5
    assert losses['positives_level_3'] == 1


class NothingFound(torch.nn.Module):
    needs_hierarchy = False

    def forward(self, given):
        keys = SameImageRetriever()(given)
        return keys._replace(found=~keys.found)


def test_hit_rate_counts_retrievers_from_elsewhere():
    model = build(**INSTANCE_DISCRIMINATION)
    assert 'retrieval_hit_rate' not in model.loss(*batch())
    model.retrievers.append(NothingFound())
    assert model.loss(*batch())['retrieval_hit_rate'] == 0


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_mixed_precision_changes_the_loss_little(dtype):
    model = build()
    model.hierarchy.set_labels(torch.stack([torch.arange(20) // 2, torch.arange(20) // 10]))
    model.loss(*batch(12, seed=1))
    twin = copy.deepcopy(model)
    expected = model.loss(*batch(12, seed=2))['loss']
    with torch.autocast('cpu', dtype):
        loss = twin.loss(*batch(12, seed=2))['loss']
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(expected.item(), abs=0.1)
    assert all(p.grad.isfinite().all() for p in twin.parameters() if p.requires_grad)


def test_searches_and_loss_are_in_float32_under_autocast():
    model = build(retrievers=[dict(type='SameImageRetriever'), dict(type='NearestRetriever')])
    generator = torch.Generator().manual_seed(0)
    entries = normalize(torch.randn(32, 8, generator=generator), dim=1)
    model.queue.enqueue(entries, torch.arange(32) % 20)
    predictions = normalize(torch.randn(3, 40, 8, generator=generator), dim=2)
    keys, indices = normalize(torch.randn(40, 8, generator=generator), dim=1), torch.arange(40) % 20
    expected = model._compare(predictions, keys, indices)
    with torch.autocast('cpu', torch.bfloat16):
        found = model._compare(predictions, keys, indices)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_excluding_the_same_cluster_shortens_the_denominator():
    model, excluding = build(), build(head=dict(exclude_same_cluster=True))
    labels = torch.stack([torch.arange(20) // 2, torch.arange(20) // 10])
    for part in (model, excluding):
        part.hierarchy.set_labels(labels)
        part.loss(*batch(12, seed=1))
    losses = [part.loss(*batch(12, seed=2))['loss'] for part in (model, excluding)]
    assert losses[1] < losses[0]


def test_keys_of_the_second_view_enter_the_queue():
    model = build()
    views, samples = batch()
    model.loss(views, samples)
    indices = torch.tensor([sample.sample_idx for sample in samples])
    keys = [model.extract_keys(view) for view in views]
    assert torch.equal(model.queue.indices[:6], indices)
    assert torch.allclose(model.queue.features[:6], keys[1], atol=1e-6)
    assert torch.equal(model.last_keys.indices, indices)
    assert torch.allclose(model.last_keys.features, normalize(keys[0] + keys[1], dim=1), atol=1e-6)


def test_momentum_encoder_moves_by_the_cosine_schedule():
    model = build(base_momentum=0.2)
    model.loss(*batch())
    average = dict(model.momentum_encoder.module.named_parameters())['0.conv1.weight']
    before = average.clone()
    model.backbone.conv1.weight.data += 1
    model.loss(*batch())
    taken = 0.2 * (1 + torch.cos(torch.tensor(torch.pi / 100))) / 2
    expected = before.lerp(model.backbone.conv1.weight.data, float(taken))
    assert torch.allclose(average, expected, atol=1e-6)
    assert not any(part.requires_grad for part in model.momentum_encoder.parameters())


def test_every_trained_parameter_gets_a_gradient():
    model = build()
    model.loss(*batch(seed=1))
    model.loss(*batch(seed=2))['loss'].backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(head=dict(predictor=dict(num_predictors=2))), 'num_predictors=2 does not fit 3'),
        (dict(queue=dict(feat_dim=16)), 'model.queue.feat_dim=16'),
        (dict(hierarchy=dict(feat_dim=4)), 'model.hierarchy.feat_dim=4'),
        (dict(hierarchy=None, head=dict(predictor=dict(num_predictors=1))), 'ClusterRetriever nee'),
        (
            dict(
                hierarchy=None,
                head=dict(predictor=dict(num_predictors=1), exclude_same_cluster=True),
            ),
            'exclude_same_cluster=True needs the labels',
        ),
        (dict(retrievers=[]), 'retrievers is empty'),
    ],
)
def test_parts_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(neck=dict(in_channels=64)), 'set model.neck.in_channels=32'),
        (dict(neck=dict(out_channels=4)), 'set model.neck.out_channels=8'),
        (dict(hierarchy=dict(num_samples=0)), 'add HierarchicalClusteringHook'),
    ],
)
def test_shapes_that_do_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes).loss(*batch())


VIT = dict(
    type='VisionTransformer',
    arch=dict(embed_dims=32, num_layers=1, num_heads=2, feedforward_channels=32),
    img_size=16,
    patch_size=8,
)


@pytest.mark.parametrize(
    ('backbone', 'pool', 'remedy'),
    [
        (PARTS['backbone'], False, 'model.neck.with_avg_pool=True'),
        (dict(VIT, out_type='cls_token'), True, 'model.neck.with_avg_pool=False'),
        (dict(VIT, out_type='avg_featmap'), True, 'model.neck.with_avg_pool=False'),
        (dict(VIT, out_type='raw'), True, "out_type to 'cls_token' or 'avg_featmap'"),
        (dict(VIT, out_type='raw'), False, "out_type to 'cls_token' or 'avg_featmap'"),
        (dict(VIT, out_type='featmap'), False, 'model.neck.with_avg_pool=True'),
    ],
)
def test_a_neck_that_does_not_take_the_output_of_the_backbone(backbone, pool, remedy):
    neck = MODELS.build(dict(PARTS['neck'], with_avg_pool=pool))
    model = build()
    model.backbone, model.neck = MODELS.build(backbone), neck
    with pytest.raises(ValueError, match=rf'does not take \(6, .*: set .*{remedy}'):
        model.project(torch.zeros(6, 3, 16, 16))


def test_pipelines_that_do_not_fit():
    model = build()
    views, samples = batch()
    with pytest.raises(ValueError, match='MultiView'):
        model.loss(views[0], samples)
    with pytest.raises(ValueError, match='MultiView'):
        model.loss([*views, views[0]], samples)
    with pytest.raises(ValueError, match='sample_idx'):
        model.loss(views, [DataSample()] * 6)
