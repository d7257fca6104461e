import json
import logging
import pickle
import sys
from types import SimpleNamespace

import pytest
import torch

from mmrcl.checkpoint import hub_of
from mmrcl.clustering import LabelHierarchy, nesting_conformity
from mmrcl.engine import HierarchicalClusteringHook

from ..runs import tiny_config, train

needs_kmeans = pytest.mark.skipif(
    sys.version_info < (3, 11), reason='pt_kmeans needs Python 3.11 or newer'
)
STATE = ('state_dict', 'optimizer')


def assert_same(first, second, path='') -> None:
    """Bit for bit equality of nested states."""
    if isinstance(first, dict):
        assert first.keys() == second.keys(), path
        for key in first:
            assert_same(first[key], second[key], f'{path}/{key}')
    elif isinstance(first, list):
        for i, pair in enumerate(zip(first, second, strict=True)):
            assert_same(*pair, f'{path}/{i}')
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), path
    else:
        assert first == second, path


@pytest.mark.slow
@pytest.mark.parametrize('stop', [1, 2, 3])
def test_resumed_run_ends_like_the_run_without_a_stop(whole_run, tmp_path, stop):
    """Stops in warm-up, just before the clustering, and during refinement."""
    work_dir, _ = whole_run
    train(tiny_config(tmp_path, load_from=str(work_dir / f'epoch_{stop}.pth'), resume=True))
    expected, found = (torch.load(folder / 'epoch_4.pth') for folder in (work_dir, tmp_path))
    for part in STATE:
        assert_same(expected[part], found[part], part)
    assert any(name.endswith('queue.features') for name in expected['state_dict'])
    assert any(name.endswith('hierarchy.labels') for name in expected['state_dict'])


@pytest.mark.slow
def test_resumes_from_a_checkpoint_with_histories_of_mmengine(whole_run, tmp_path):
    """As all checkpoints were written once, and as mmengine's own hook writes them."""
    work_dir, _ = whole_run
    old = torch.load(work_dir / 'epoch_3.pth')
    old['message_hub'] = hub_of(old['message_hub'])
    torch.save(old, tmp_path / 'old.pth')
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'old.pth', weights_only=True)
    train(tiny_config(tmp_path, load_from=str(tmp_path / 'old.pth'), resume=True))
    expected, found = (torch.load(folder / 'epoch_4.pth') for folder in (work_dir, tmp_path))
    for part in STATE:
        assert_same(expected[part], found[part], part)
    name = 'train/loss'
    assert_same(*(each['message_hub']['log_scalars'][name] for each in (expected, found)))


@pytest.mark.slow
def test_same_seed_same_run_other_seed_other_run(whole_run, tmp_path):
    _, runner = whole_run
    twin = train(tiny_config(tmp_path / 'twin'))
    other = train(tiny_config(tmp_path / 'other', randomness__seed=1))
    assert_same(runner.model.state_dict(), twin.model.state_dict())
    assert not torch.equal(runner.model.queue.features, other.model.queue.features)


@pytest.mark.slow
def test_worker_processes_change_nothing_and_resume_too(whole_run, tmp_path):
    workers = dict(train_dataloader__num_workers=2)
    train(tiny_config(tmp_path / 'whole', **workers))
    checkpoint = str(tmp_path / 'whole/epoch_2.pth')
    train(tiny_config(tmp_path / 'resumed', load_from=checkpoint, resume=True, **workers))
    expected, *found = (
        torch.load(folder / 'epoch_4.pth')['state_dict']
        for folder in (whole_run[0], tmp_path / 'whole', tmp_path / 'resumed')
    )
    for state in found:
        assert_same(expected, state)


def test_log_tells_what_the_hierarchy_does(whole_run):
    work_dir, runner = whole_run
    rows = [
        json.loads(line)
        for path in work_dir.rglob('scalars.json')
        for line in path.read_text().splitlines()
    ]
    keys = set().union(*rows)
    expected = {'loss', 'positive_part', 'negative_part', 'retrieval_hit_rate', 'knn/top1'}
    for level in (2, 3):
        expected |= {f'positives_level_{level}', f'splits_level_{level}', f'merges_level_{level}'}
        expected |= {
            f'hierarchy/level_{level}/{name}'
            for name in ('clusters', 'largest', 'singletons', 'mean_size')
        }
    assert expected <= keys
    last = [row for row in rows if 'knn/top1' in row][-1]
    assert 0 <= last['knn/top1'] <= 1
    assert last['epoch'] == 4


def test_hierarchy_is_nested_and_moves(whole_run):
    work_dir, runner = whole_run
    runner.model.hierarchy.check()
    before = torch.load(work_dir / 'epoch_2.pth')['state_dict']
    after = torch.load(work_dir / 'epoch_3.pth')['state_dict']
    assert not before['hierarchy.initialized']
    assert torch.equal(before['hierarchy.labels'][0], torch.arange(192))
    assert after['hierarchy.initialized']
    assert len(after['hierarchy.labels'][1].unique()) < 192
    assert not torch.equal(after['hierarchy.labels'], runner.model.hierarchy.labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('source', 'nested'),
    [
        (dict(type='DBSCANSource', eps=[0.3, 0.5]), True),
        pytest.param(dict(type='KMeansSource', num_clusters=[60, 20]), False, marks=needs_kmeans),
        pytest.param(
            dict(type='HierarchicalKMeansSource', num_clusters=[60, 20]), True, marks=needs_kmeans
        ),
        (dict(type='FirstNeighborSource', mean_sizes=[3.0, 10.0]), True),
        (dict(type='ClassSource', num_levels=3), True),
    ],
)
def test_offline_sources_cluster_anew_each_epoch(tmp_path, source, nested):
    config = tiny_config(tmp_path)
    config.default_hooks.clustering.source = source
    config.default_hooks.clustering.refiner = None
    config.default_hooks.clustering.recluster_interval = 1
    runner = train(config)
    states = [torch.load(tmp_path / f'epoch_{epoch}.pth')['state_dict'] for epoch in (3, 4)]
    labels = [state['hierarchy.labels'] for state in states]
    assert nested == (nesting_conformity(labels[1]) == 1)
    if source['type'] == 'ClassSource':
        assert len(labels[1][1].unique()) == 10
    else:
        assert not torch.equal(*labels)
    bank = runner.model.hierarchy.bank
    assert torch.allclose(bank.norm(dim=1), torch.ones(192), atol=1e-5)


def test_levels_that_coincide_are_logged_as_a_warning(caplog):
    hook = HierarchicalClusteringHook(
        {}, dict(type='FirstNeighborSource'), dict(type='HierarchyRefiner')
    )
    model = torch.nn.Module()
    model.hierarchy = LabelHierarchy(3, feat_dim=4, num_samples=6)
    runner = SimpleNamespace(model=model, logger=logging.getLogger('levels'), epoch=0, iter=0)
    runner.visualizer = SimpleNamespace(add_scalars=lambda *_, **__: None)
    for coarse, warned in ([0, 0, 0, 0, 1, 1], 0), ([0, 0, 1, 1, 2, 2], 1):
        model.hierarchy.set_labels(torch.tensor([[0, 0, 1, 1, 2, 2], coarse]))
        hook.after_train_epoch(runner)
        assert caplog.text.count('levels 2 and 3 have the same clusters') == warned


@pytest.mark.slow
def test_frozen_labels_stay(tmp_path):
    config = tiny_config(tmp_path)
    config.default_hooks.clustering.refiner = None
    train(config)
    labels = [
        torch.load(tmp_path / f'epoch_{epoch}.pth')['state_dict']['hierarchy.labels']
        for epoch in (3, 4)
    ]
    assert torch.equal(*labels)


def test_resume_with_another_data_set_is_refused(whole_run, tmp_path):
    work_dir, _ = whole_run
    config = tiny_config(
        tmp_path,
        load_from=str(work_dir / 'epoch_3.pth'),
        resume=True,
        train_dataloader__dataset__indices=128,
        default_hooks__clustering__dataloader__dataset__indices=128,
    )
    with pytest.raises(ValueError, match='hierarchy over 192 images, train_dataloader has 128'):
        train(config)
