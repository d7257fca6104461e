"""A diverged encoder ends the run, on all ranks alike, before its features are used."""

import pytest
import torch

from mmrcl.clustering import LabelHierarchy
from mmrcl.engine import HierarchicalClusteringHook
from mmrcl.engine.hooks import knn_hook
from mmrcl.errors import TrainingError
from mmrcl.features import ClusteringInput


@pytest.mark.parametrize('which', ['keys', 'features'])
def test_clustering_ends_the_run(which):
    rows = torch.randn(20, 4)
    wrong = rows.clone()
    wrong[7, 2] = float('nan')
    images = ClusteringInput(rows, rows, None)._replace(**{which: wrong})
    hook = HierarchicalClusteringHook(dict(), dict(type='DBSCANSource'))
    hierarchy = LabelHierarchy(3, 4, 20)
    with pytest.raises(TrainingError, match=f'{which}: 1 of 20 rows .* row 7.*learning rate'):
        hook._cluster(None, hierarchy, images)
    assert not hierarchy.initialized and not hierarchy.bank.any()


def test_knn_ends_the_run(monkeypatch):
    wrong = torch.full((3, 4), float('inf')), torch.zeros(3, dtype=torch.long)
    monkeypatch.setattr(knn_hook, 'extract_representation', lambda *_: wrong)
    hook = knn_hook.KNNHook(dict(), dict())
    hook.dataloaders = [None, None]
    monkeypatch.setattr(hook, 'every_n_epochs', lambda *_: True)
    runner = type('Runner', (), dict(model=None))()
    with pytest.raises(TrainingError, match='KNNHook cannot .* 3 of 3 rows'):
        hook.after_train_epoch(runner)
