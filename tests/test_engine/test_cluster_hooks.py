"""Hooks of the methods that learn clusters, called as the runner calls them."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from mmrcl.engine import CentroidUpdateHook, ClassifierResetHook, HierarchicalClusteringHook
from mmrcl.launch import build_runner
from mmrcl.models import OnlineClusters, PseudoLabelHead

from ..runs import tiny_config


class Model(nn.Module):
    """The parts that the hooks touch, and a backbone that they leave alone."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Linear(3, 5)
        self.head = PseudoLabelHead(4, 5, dict(type='mmrcl.PseudoLabelLoss'))
        self.hierarchy = OnlineClusters(4, 2, 5, num_samples=20)
        self.hierarchy.set_bank(torch.randn(20, 5))
        self.hierarchy.set_labels(torch.arange(20)[None] % 4)


def run_of(model: nn.Module, **state: int) -> Any:
    optimizer = torch.optim.AdamW(model.parameters())
    model.head(model.backbone(torch.randn(6, 3))).sum().backward()
    optimizer.step()
    wrapper = SimpleNamespace(optimizer=optimizer)
    return SimpleNamespace(
        **dict(model=model, optim_wrapper=wrapper, train_dataloader=range(10)), **state
    )


@pytest.mark.parametrize(
    ('epoch', 'iteration', 'due'), [(0, 0, True), (1, 10, False), (2, 20, True), (2, 23, False)]
)
def test_classifier_starts_anew_with_the_clusters(epoch, iteration, due):
    """And not in an epoch in which a run resumes."""
    model = Model()
    runner = run_of(model, epoch=epoch, iter=iteration)
    state = runner.optim_wrapper.optimizer.state
    before = {name: part.clone() for name, part in model.named_parameters()}
    ClassifierResetHook(interval=2).before_train_epoch(runner)
    assert torch.equal(model.head.fc.weight, before['head.fc.weight']) != due
    assert bool((model.head.fc.bias == 0).all()) == due
    assert (model.head.fc.weight in state) == (not due)
    assert torch.equal(model.backbone.weight, before['backbone.weight'])
    assert model.backbone.weight in state
    if due:
        assert model.head.fc.weight.std().item() == pytest.approx(0.01, rel=0.5)


@pytest.mark.parametrize('clustering', [1, None])
def test_classifier_and_clusters_must_have_one_interval(clustering):
    source = dict(type='mmrcl.KMeansSource', num_clusters=[2])
    hooks = [
        HierarchicalClusteringHook({}, source, recluster_interval=each) for each in (2, clustering)
    ]
    hook = ClassifierResetHook(interval=2)
    hook.before_train(SimpleNamespace(hooks=[hooks[0]]))
    with pytest.raises(ValueError, match=f'recluster_interval={clustering} .* must be equal'):
        hook.before_train(SimpleNamespace(hooks=[hooks[1]]))


def test_centroids_move_at_the_interval():
    model = Model()
    hook = CentroidUpdateHook(interval=3)
    hook.before_train(SimpleNamespace(model=model))
    moved = []
    for iteration in range(7):
        model.hierarchy.update_bank(torch.arange(20), torch.randn(20, 5))
        before = model.hierarchy.centroids.clone()
        hook.after_train_iter(SimpleNamespace(model=model, iter=iteration), iteration)
        moved.append(not torch.equal(model.hierarchy.centroids, before))
    assert moved == [False, False, True, False, False, True, False]


@pytest.mark.parametrize('hook', [CentroidUpdateHook, ClassifierResetHook])
def test_interval_must_be_positive(hook):
    with pytest.raises(ValueError, match=f'interval=0 of {hook.__name__} must be at least 1'):
        hook(interval=0)


def test_centroids_must_be_there():
    with pytest.raises(ValueError, match='set model.hierarchy=dict.type="OnlineClusters"'):
        CentroidUpdateHook().before_train(SimpleNamespace(model=nn.Linear(2, 2)))


def test_bank_cannot_be_clustered_before_it_is_filled(tmp_path):
    config = tiny_config(
        tmp_path,
        default_hooks__clustering__space='bank',
        default_hooks__clustering__warmup_epochs=0,
    )
    with pytest.raises(ValueError, match="space='bank' clusters what steps .* --epochs 1 sets"):
        build_runner(config, train=True)


@pytest.mark.skipif(sys.version_info < (3, 11), reason='pt_kmeans needs 3.11')
def test_more_clusters_than_images_are_refused_before_the_warm_up(tmp_path):
    source = dict(_delete_=True, type='HierarchicalKMeansSource', num_clusters=[5000, 500])
    config = tiny_config(tmp_path, default_hooks__clustering__source=source)
    runner = build_runner(config, train=True)
    with pytest.raises(
        ValueError, match='num_clusters=5000 of HierarchicalKMeansSource .* the 192 images'
    ):
        runner.train()
    assert runner.iter == 0


@pytest.mark.slow
def test_scores_are_those_of_classifiers(tmp_path):
    config = tiny_config(tmp_path, default_hooks__clustering__space='scores')
    with pytest.raises(ValueError, match="RCL has no classifiers: space='scores' is for"):
        build_runner(config, train=True).train()


@pytest.mark.slow
def test_maps_are_those_of_a_momentum_encoder(tmp_path):
    config = tiny_config(tmp_path, default_hooks__clustering__space='encoder')
    runner = build_runner(config, train=True)
    del runner.model.momentum_encoder
    with pytest.raises(ValueError, match="space='encoder' is of .* RCL has none: set space="):
        runner.train()
