"""The hierarchy, its keys and its pairs, as they are logged over a run."""

import json
import sys

import numpy as np
import pytest
import torch
from mmengine.runner import Runner
from PIL import Image

from mmrcl.clustering import churn, nesting_conformity
from mmrcl.evaluation import adjusted_mutual_info, purity, same_cluster_precision
from mmrcl.launch import build_runner
from mmrcl.visualization import read_run

from ..runs import MEASURING, tiny_config, train, without_hooks
from .children import BY_ITERATION, run_ranks, train_tiny
from .test_training import assert_same

MONITORS = ('PairMonitorHook', 'HierarchyMonitorHook')


def by_class() -> dict:
    """Changes of the config: a hierarchy of the true classes, which refinement then tears apart."""
    source = dict(type='ClassSource', num_levels=3, _delete_=True)
    return dict(default_hooks__clustering__source=source)


def monitored(work_dir) -> list[dict[str, float]]:
    """Rows that the monitors logged."""
    ends = ('/share', '/ami', '/churn', '/nesting_conformity')
    return [row for row in read_run(work_dir) if any(name.endswith(ends) for name in row)]


def by_epoch(work_dir, name: str) -> dict[int, float]:
    return {row['epoch']: row[name] for row in monitored(work_dir) if name in row}


def labels_after(work_dir, epoch: int) -> torch.Tensor:
    checkpoint = torch.load(work_dir / f'epoch_{epoch}.pth', weights_only=False)
    return checkpoint['state_dict']['hierarchy.labels']


@pytest.fixture(scope='module')
def online(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('online')
    return work_dir, train(tiny_config(work_dir, **by_class()))


@pytest.mark.slow
def test_a_clustering_by_class_agrees_with_the_classes(online):
    for level in (2, 3):
        for name in ('ami', 'purity', 'same_cluster_precision'):
            found = by_epoch(online[0], f'hierarchy/level_{level}/{name}')
            assert found[2] == pytest.approx(1) and list(found) == [2, 3, 4]


@pytest.mark.slow
def test_refinement_is_measured_by_epoch(online):
    work_dir, runner = online
    classes = torch.from_numpy(runner.train_dataloader.dataset.dataset.get_gt_labels())
    before, after = labels_after(work_dir, 3), labels_after(work_dir, 4)
    assert not torch.equal(before, after)
    for row, level in enumerate((2, 3)):
        expected = dict(
            churn=churn(before[row], after[row]),
            ami=adjusted_mutual_info(after[row], classes),
            purity=purity(after[row], classes, min_size=2),
            same_cluster_precision=same_cluster_precision(after[row], classes),
        )
        for name, value in expected.items():
            assert by_epoch(work_dir, f'hierarchy/level_{level}/{name}')[4] == pytest.approx(value)
        assert list(by_epoch(work_dir, f'hierarchy/level_{level}/churn')) == [3, 4]
    assert not by_epoch(work_dir, 'hierarchy/nesting_conformity')


@pytest.mark.slow
def test_sizes_carry_the_epochs_that_are_done(online):
    rows = [row for row in read_run(online[0]) if 'hierarchy/level_2/clusters' in row]
    assert [(row['epoch'], row['iter']) for row in rows] == [(2, 12), (3, 18), (4, 24)]


@pytest.mark.slow
def test_pairs_of_each_epoch(online):
    work_dir, _ = online
    rows = [row for row in monitored(work_dir) if 'pairs/3_of_3/share' in row]
    assert [row['epoch'] for row in rows] == [1, 2, 3, 4]
    # In warm-up every key is of the same image.
    assert rows[0]['pairs/3_of_3/share'] == 1 and 'pairs/2_of_3/share' not in rows[1]
    for row in rows:
        shares = [value for name, value in row.items() if name.endswith('/share')]
        assert sum(shares) == pytest.approx(1)
        assert all(0 <= value <= 1 for name, value in row.items() if name.startswith('pairs/'))
    assert len([name for name in rows[-1] if name.endswith('/share')]) > 1


@pytest.mark.slow
def test_key_precision_is_that_of_the_keys(tmp_path):
    """True classes that stay: every key is right; a shuffled clustering: not."""
    config = tiny_config(tmp_path, **by_class())
    config.default_hooks.clustering.refiner = None
    train(config)
    assert by_epoch(tmp_path, 'pairs/key_precision') == {3: 1, 4: 1}
    assert list(by_epoch(tmp_path, 'hierarchy/level_2/ami')) == [2]


@pytest.mark.slow
def test_distributions_are_drawn_and_written(online):
    work_dir, runner = online
    folder = next(work_dir.rglob('vis_data'))
    assert sorted(path.name for path in folder.rglob('pairs*')) == ['pairs_24.npz', 'pairs_24.png']
    with Image.open(next(folder.rglob('pairs_24.png'))) as image:
        assert image.width > 1000 and len(image.getcolors(1 << 20)) > 50
    with np.load(folder / 'pairs_24.npz') as arrays:
        # 6 iterations, 32 queries, two directions, the same-image key and one more.
        assert arrays['etas'].sum() == 6 * 32 * 2 * 2
        assert arrays['probabilities'].sum() == 3 * arrays['etas'].sum()
        last = [row for row in monitored(work_dir) if 'pairs/3_of_3/share' in row][-1]
        share = arrays['etas'][3].sum() / arrays['etas'].sum()
        assert last['pairs/3_of_3/share'] == pytest.approx(share)


@pytest.mark.slow
def test_a_run_without_the_monitors_ends_alike(online, tmp_path):
    config = tiny_config(tmp_path, **by_class())
    without_hooks(config, 'pair_monitor', 'hierarchy_monitor')
    assert_same(train(config).model.state_dict(), online[1].model.state_dict())


@pytest.mark.slow
def test_a_resumed_run_logs_the_same_and_nothing_twice(online, tmp_path):
    train(
        tiny_config(tmp_path, load_from=str(online[0] / 'epoch_3.pth'), resume=True, **by_class())
    )
    assert monitored(tmp_path) == [row for row in monitored(online[0]) if row['step'] > 18]


@pytest.mark.slow
@pytest.mark.parametrize(
    'kills', [(15,), pytest.param((9, 15, 18), marks=pytest.mark.nightly)], ids=str
)
def test_a_run_killed_inside_epochs_logs_the_same(tmp_path, kills):
    changes = dict(by_class(), **BY_ITERATION, default_hooks__checkpoint__interval=1)
    assert run_ranks(train_tiny, tmp_path / 'whole', changes) == [0]
    for iteration in kills:
        kill = dict(type='KillHook', iteration=iteration, stage='forward')
        run_ranks(train_tiny, tmp_path / 'killed', changes, [kill])
    assert run_ranks(train_tiny, tmp_path / 'killed', changes) == [0]
    assert len(list((tmp_path / 'killed').rglob('scalars.json'))) == len(kills) + 1
    assert monitored(tmp_path / 'killed') == monitored(tmp_path / 'whole')


@pytest.mark.slow
def test_of_two_processes_the_first_measures(tmp_path):
    changes = dict(by_class(), train_dataloader__batch_size=16)
    assert run_ranks(train_tiny, tmp_path, changes, ranks=2) == [0, 0]
    assert len(list(tmp_path.rglob('scalars.json'))) == 1
    assert list(by_epoch(tmp_path, 'hierarchy/level_3/churn')) == [3, 4]
    assert list(by_epoch(tmp_path, 'pairs/key_precision')) == [3, 4]
    assert len(list(tmp_path.rglob('pairs_*.npz'))) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 11), reason='pt_kmeans needs Python 3.11 or newer')
def test_independent_levels_are_held_against_nesting(tmp_path):
    config = tiny_config(tmp_path)
    config.default_hooks.clustering.update(refiner=None, recluster_interval=1)
    config.default_hooks.clustering.source = dict(type='KMeansSource', num_clusters=[60, 20])
    train(config)
    found = by_epoch(tmp_path, 'hierarchy/nesting_conformity')
    assert list(found) == [2, 3] and all(0 < value < 1 for value in found.values())
    assert found[3] == pytest.approx(nesting_conformity(labels_after(tmp_path, 4)))
    assert list(by_epoch(tmp_path, 'hierarchy/level_2/churn')) == [3]


@pytest.mark.slow
def test_images_without_classes_are_measured_without_them(tmp_path, monkeypatch):
    from mmrcl.datasets import Digits

    whole = Digits.load_data_list
    monkeypatch.setattr(
        Digits, 'load_data_list', lambda self: [{'img': row['img']} for row in whole(self)]
    )
    config = tiny_config(tmp_path)
    without_hooks(config, 'knn')
    config.default_hooks.clustering.refiner = dict(type='HierarchyRefiner')
    train(config)
    assert by_epoch(tmp_path, 'hierarchy/level_2/churn')
    assert not by_epoch(tmp_path, 'hierarchy/level_2/ami')
    assert not by_epoch(tmp_path, 'pairs/key_precision')
    assert by_epoch(tmp_path, 'pairs/3_of_3/attracted_fraction')


def runner_with(work_dir, *hooks: dict, **changes) -> Runner:
    config = without_hooks(tiny_config(work_dir, **changes), 'clustering', *MEASURING)
    config.custom_hooks = list(hooks)
    return build_runner(config, train=True)


def test_what_cannot_be_measured_is_named(tmp_path):
    with pytest.raises(ValueError, match='set default_hooks.clustering'):
        runner_with(tmp_path, dict(type='HierarchyMonitorHook')).train()
    runner = runner_with(tmp_path, dict(type='PairMonitorHook'))
    runner.model.head.loss_module = torch.nn.Identity()
    with pytest.raises(ValueError, match='PairMonitorHook needs Relative.*RCL'):
        runner.train()
    with pytest.raises(ValueError, match='interval=0 of PairMonitorHook'):
        runner_with(tmp_path, dict(type='PairMonitorHook', interval=0))


@pytest.mark.slow
def test_scalars_are_plain_numbers(online):
    for path in online[0].rglob('scalars.json'):
        for line in path.read_text().splitlines():
            # Called for NaN and infinities, which are no JSON.
            json.loads(line, parse_constant=pytest.fail)
