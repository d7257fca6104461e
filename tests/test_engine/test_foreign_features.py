"""Training by clusters of features that do not come from the network."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mmrcl.clustering import canonical_labels
from mmrcl.datasets import Digits
from mmrcl.engine import HierarchicalClusteringHook
from mmrcl.errors import TrainingError
from mmrcl.features import clustering_input, extract_clustering_input
from mmrcl.registry import DATASETS, TASK_UTILS

from ..runs import run, tiny_config, train, without_hooks
from .children import run_ranks

# Clusters of these need no network: blocks of 16 images.
IMAGES = 192
CODES = np.eye(IMAGES // 16, 20)[np.arange(IMAGES) // 16] + 1
BLOCKS = canonical_labels(torch.arange(IMAGES) // 16)


@TASK_UTILS.register_module()
class Rows:
    """Labels of equal rows at both levels, and what it was given."""

    nested = True
    seen: list[torch.Tensor] = []

    def __call__(self, features, classes=None, progress=None):
        self.seen.append(features.clone())
        _, labels = features.mul(1e4).round().unique(dim=0, return_inverse=True)
        return labels.repeat(2, 1)


@TASK_UTILS.register_module()
class Counted:
    """A feature source that counts what is asked of it."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def check(self, model, dataloader):
        self._count('check')

    def __call__(self, model, dataloader):
        self._count('call')
        return torch.from_numpy(CODES).float()

    def _count(self, what):
        with self.path.open('a') as file:
            file.write(f'{what} ')


def config_of(work_dir: Path, space: dict, **changes):
    config = without_hooks(tiny_config(work_dir, **changes))
    config.default_hooks.clustering.space = space
    config.default_hooks.clustering.source = dict(type='Rows')
    config.default_hooks.clustering.refiner = None
    return config


def saved(work_dir: Path, epoch: int) -> torch.Tensor:
    return torch.load(work_dir / f'epoch_{epoch}.pth')['state_dict']['hierarchy.labels']


@pytest.mark.slow
def test_features_of_a_file_make_the_clusters(tmp_path):
    np.save(tmp_path / 'a.npy', CODES.astype('float16'))
    Rows.seen.clear()
    space = dict(type='FileFeatures', path=str(tmp_path / 'a.npy'))
    train(config_of(tmp_path, space, train_cfg__max_epochs=3))
    assert torch.equal(saved(tmp_path, 3), BLOCKS.repeat(2, 1))
    [features] = Rows.seen
    expected = torch.nn.functional.normalize(torch.from_numpy(CODES).half().float(), dim=1)
    assert torch.equal(features, expected)


@pytest.mark.slow
@pytest.mark.parametrize('interval', [None, 1])
def test_features_are_computed_once_and_not_for_a_run_that_needs_none(interval, tmp_path):
    space = dict(type='Counted', path=str(tmp_path / 'counts'))
    changes = dict(default_hooks__clustering__recluster_interval=interval)
    train(config_of(tmp_path, space, **changes))
    assert (tmp_path / 'counts').read_text().split() == ['check', 'call']
    changes.update(load_from=str(tmp_path / 'epoch_3.pth'), resume=True)
    train(config_of(tmp_path, space, **changes))
    resumed = ['check', 'call'] * (interval is not None)
    assert (tmp_path / 'counts').read_text().split() == ['check', 'call', *resumed]


@pytest.mark.parametrize(
    ('rows', 'sentence'),
    [(191, 'a.npy has 191 rows, but there are 192 training images'), (192, 'the first in row 7')],
)
def test_a_file_that_does_not_fit_ends_a_run_before_its_first_step(rows, sentence, tmp_path):
    table = CODES[:rows].copy()
    table[7] = np.nan  # the number of rows is looked at first
    np.save(tmp_path / 'a.npy', table)
    config = config_of(tmp_path, dict(type='FileFeatures', path=str(tmp_path / 'a.npy')))
    with pytest.raises(ValueError, match=sentence):
        run(config)
    assert not list(tmp_path.glob('*.pth'))


@pytest.mark.parametrize('space', [None, ['images'], 3, dict(type='DBSCANSource')])
def test_what_is_no_space_is_refused_by_its_setting(space):
    with pytest.raises(ValueError, match='HierarchicalClusteringHook: space=.* feature source'):
        HierarchicalClusteringHook(dict(), dict(type='Rows'), space=space)


@TASK_UTILS.register_module()
class Random:
    """A feature source of random numbers, or NaN."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def check(self, model, dataloader):
        pass

    def __call__(self, model, dataloader):
        return self.scale * torch.randn(500, 96, generator=torch.Generator().manual_seed(0))


def hook_of(space):
    hook = HierarchicalClusteringHook(dict(), dict(type='Rows'), recluster_interval=1, space=space)
    hook.dataloader = None
    return hook


def test_a_source_of_nan_is_named_and_not_the_encoder():
    with pytest.raises(TrainingError, match='features of Random: 500 of 500 .* row 0: leave'):
        hook_of(dict(type='Random', scale=float('nan')))._space(None)


def test_features_are_the_same_bits_at_each_clustering_and_after_a_resume(monkeypatch):
    """Normalised rows that are normalised again differ."""
    keys = torch.ones(500, 4)
    monkeypatch.setattr(clustering_input, 'extract', lambda *_: (keys, None))
    model = SimpleNamespace(extract_keys=None)

    def clustered(hook):
        return extract_clustering_input(model, hook._space(model), None).features.clone()

    hook = hook_of(dict(type='Random'))
    first = clustered(hook)
    assert torch.equal(clustered(hook), first) and torch.equal(clustered(hook), first)
    assert torch.equal(clustered(hook_of(dict(type='Random'))), first)


def train_of_two(work_dir: Path, space: dict) -> None:
    config = config_of(work_dir, space, train_dataloader__batch_size=16, train_cfg__max_epochs=3)
    config.launcher = 'pytorch'
    config.experiment_name = f'run_{os.getpid()}'
    model = train(config).model.module
    torch.save((Rows.seen, model.hierarchy.labels), work_dir / f'{os.environ["RANK"]}.pth')


@pytest.mark.slow
def test_two_ranks_share_the_images_and_have_the_same_features(tmp_path):
    space = dict(type='HOGFeatures', pixels_per_cell=4)
    Rows.seen.clear()
    train(config_of(tmp_path / 'one', space, train_cfg__max_epochs=3))
    assert run_ranks(train_of_two, tmp_path, space, ranks=2) == [0, 0]
    found = [torch.load(tmp_path / f'{rank}.pth') for rank in (0, 1)]
    for features, labels in found:
        assert torch.equal(features[0], Rows.seen[0])
        assert torch.equal(labels, saved(tmp_path / 'one', 3))


@DATASETS.register_module()
class NestedDigits(Digits):
    """Digits with a hierarchy of their classes: pairs of neighbours, and below 4 or not."""

    METAINFO = {
        **Digits.METAINFO,
        'class_hierarchy': [[digit // 2 for digit in range(10)], [0] * 4 + [1] * 6],
    }


@pytest.mark.slow
def test_each_level_has_its_column_of_true_classes(tmp_path):
    config = without_hooks(tiny_config(tmp_path, train_cfg__max_epochs=3))
    for loader in (config.train_dataloader, config.default_hooks.clustering.dataloader):
        loader.dataset.type = 'NestedDigits'
    config.default_hooks.clustering.source = dict(type='ClassSource', columns=[1, 2])
    config.default_hooks.clustering.refiner = None
    train(config)
    digits = NestedDigits(split='train', indices=IMAGES)
    classes = torch.tensor([digits.get_data_info(index)['gt_label'] for index in range(IMAGES)])
    expected = torch.stack([canonical_labels(classes // 2), canonical_labels((classes > 3).long())])
    assert torch.equal(saved(tmp_path, 3), expected)
