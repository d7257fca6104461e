"""With a refiner the bank has the keys of the steps alone, without one those of the clustering."""

import logging
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.clustering import LabelHierarchy
from mmrcl.engine import HierarchicalClusteringHook
from mmrcl.engine.hooks import hierarchical_clustering_hook as module
from mmrcl.features import ClusteringInput
from mmrcl.models import KeyBatch, NearestRetriever

IMAGES, DIM, BATCH, MOMENTUM = 30, 6, 8, 0.8
ITERATIONS = IMAGES // BATCH  # the last images of an epoch are dropped
SOURCE = dict(type='DBSCANSource', eps=[0.8, 1.1], min_samples=2)


def unit(generator, *shape):
    return normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)


class Training:
    """Calls of the hook as in a training, with keys drawn at random."""

    def __init__(self, monkeypatch, steps_together=1, seed=0, **settings):
        self.generator = torch.Generator().manual_seed(seed)
        self.clean = unit(self.generator, IMAGES, DIM)
        monkeypatch.setattr(
            module,
            'extract_clustering_input',
            lambda *_: ClusteringInput(self.clean, self.clean, None),
        )
        self.hook = HierarchicalClusteringHook(dict(), SOURCE, **settings)
        self.hook.dataloader = SimpleNamespace(dataset=SimpleNamespace(metainfo={}))
        self.hook._report = lambda *_: None
        self.hierarchy = LabelHierarchy(3, DIM, IMAGES, bank_momentum=MOMENTUM).double()
        self.model = torch.nn.Module()
        self.model.hierarchy = self.hierarchy
        self.runner = SimpleNamespace(
            model=self.model,
            logger=logging.getLogger('test_bank'),
            message_hub=SimpleNamespace(update_scalar=lambda *_: None),
            optim_wrapper=SimpleNamespace(
                should_update=lambda: (self.runner.iter + 1) % steps_together == 0
            ),
            train_dataloader=range(ITERATIONS),
            iter=0,
        )
        self.keys: list[list[torch.Tensor]] = [[] for _ in range(IMAGES)]

    def epoch(self, number, images=IMAGES):
        """Train an epoch on the first ``images``, and collect the keys of each."""
        self.runner.epoch = number
        self.hook.before_train_epoch(self.runner)
        order = torch.randperm(images, generator=self.generator)[: BATCH * ITERATIONS]
        for indices in order.split(BATCH):
            features = unit(self.generator, len(indices), DIM)
            self.model.last_keys = KeyBatch(indices, features)
            self.hook.after_train_iter(self.runner, 0)
            self.runner.iter += 1
            for image, key in zip(indices.tolist(), features, strict=True):
                self.keys[image].append(key)

    def averages(self):
        """The running average of each image's keys, one after another."""
        bank = torch.zeros(IMAGES, DIM, dtype=torch.float64)
        for image, keys in enumerate(self.keys):
            for count, key in enumerate(keys):
                moved = key if count == 0 else MOMENTUM * bank[image] + (1 - MOMENTUM) * key
                bank[image] = moved / moved.norm()
        return bank


@pytest.mark.parametrize('steps_together', [1, 3])
@pytest.mark.parametrize('warmup', [0, 1, 3])
def test_with_a_refiner_each_entry_is_the_running_average_of_the_keys_of_the_steps(
    monkeypatch, warmup, steps_together
):
    training = Training(
        monkeypatch, steps_together, warmup_epochs=warmup, refiner=dict(type='HierarchyRefiner')
    )
    for number in range(warmup + 3):
        training.epoch(number)
        expected = training.averages()
        assert (training.hierarchy.bank - expected).abs().max() < 1e-12
        similar = (training.hierarchy.bank * training.clean).sum(1)
        assert (similar < 1 - 1e-6).all()
    assert training.hierarchy.clustered
    training.hierarchy.check()


def test_sigma_is_measured_on_the_keys_of_the_steps(monkeypatch):
    training = Training(
        monkeypatch,
        warmup_epochs=3,
        refiner=dict(type='HierarchyRefiner', neighbors=[2, 5]),
    )
    for number in range(3):
        training.epoch(number)
    bank = training.averages()
    training.runner.epoch = 3
    training.hook.before_train_epoch(training.runner)
    ranked = (bank @ bank.T).sort(dim=1, descending=True).values
    expected = [float(ranked[:, rank].median()) for rank in (2, 5)]
    assert training.hook.refiner.thresholds == pytest.approx(expected, abs=1e-9)


def test_without_a_warmup_the_first_epoch_fills_the_bank(monkeypatch):
    training = Training(monkeypatch, warmup_epochs=0, refiner=dict(type='HierarchyRefiner'))
    training.epoch(0)
    assert training.hook.refiner.thresholds == []
    first = training.hierarchy.labels.clone()
    assert (first != torch.arange(IMAGES)).any()
    training.epoch(1)
    assert len(training.hook.refiner.thresholds) == 2
    assert not torch.equal(training.hierarchy.labels, first)


def test_images_that_no_step_saw_are_clusters_of_their_own(monkeypatch):
    training = Training(monkeypatch, warmup_epochs=1, refiner=dict(type='HierarchyRefiner'))
    training.clean[-4:] = training.clean[0]  # one cluster, with two images that steps see
    training.clean[1] = training.clean[0]
    unseen = torch.arange(IMAGES - 4, IMAGES)
    for number in range(3):
        training.epoch(number, images=IMAGES - 4)
        alone = training.hierarchy.labels[:, unseen]
        assert torch.equal(alone, unseen.expand_as(alone))
        training.hierarchy.check()
    assert not training.hierarchy.bank[unseen].any()
    training.epoch(3)
    assert training.hierarchy.seen[unseen].any()


@pytest.mark.parametrize('interval', [None, 1])
def test_without_a_refiner_the_bank_has_the_keys_of_the_last_clustering(monkeypatch, interval):
    training = Training(monkeypatch, warmup_epochs=1, recluster_interval=interval)
    training.epoch(0)
    assert not training.hierarchy.seen.any()
    training.epoch(1)
    assert torch.equal(training.hierarchy.bank, normalize(training.clean, dim=1))
    old, training.clean = training.clean, unit(training.generator, IMAGES, DIM)
    training.epoch(2)
    expected = old if interval is None else training.clean
    assert torch.equal(training.hierarchy.bank, normalize(expected, dim=1))


def test_a_bank_that_would_never_change_is_not_searched():
    model = torch.nn.Module()
    model.retrievers = torch.nn.ModuleList([NearestRetriever(gallery='bank')])
    with pytest.raises(ValueError, match=r"gallery='bank' .* recluster_interval or refiner"):
        HierarchicalClusteringHook(dict(), SOURCE)._check_galleries(model)
    HierarchicalClusteringHook(dict(), SOURCE, recluster_interval=1)._check_galleries(model)
