"""Compare settings of the clustering on the frozen encoder of a checkpoint.

Clusters the training images in every space, by DBSCAN, K-means and first neighbours, and refines
the clusters as HierarchicalClusteringHook does, but with a frozen encoder: the keys of augmented
images fill the bank for some epochs, and then update it and refine the clusters for some more. A
feature source that the config names as default_hooks.clustering.space is a further space. Prints
cluster sizes, the share of images that have a same-cluster sample, the adjusted mutual information
of clusters and classes, and the share of same-cluster samples that are of the image's class, which
is the precision of random keys from an infinitely long queue.
"""

import argparse
import copy
import csv
import itertools
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import torch
from checkpoint_keys import load
from mmengine.config import Config, DictAction
from mmengine.dataset import default_collate
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.utils.data import DataLoader

from mmrcl.clustering import (
    DBSCANSource,
    FirstNeighborSource,
    HierarchicalKMeansSource,
    HierarchyRefiner,
    LabelHierarchy,
    nearest_neighbors,
    summarize_partition,
)
from mmrcl.datasets import SampleKey
from mmrcl.evaluation import agreement
from mmrcl.features import SPACES, extract_clustering_input, normalize_rows_
from mmrcl.launch import add_trust_argument, check_overrides
from mmrcl.models import KeyBatch
from mmrcl.registry import DATASETS, TASK_UTILS

COLUMNS = (
    'space', 'source', 'images per cluster', 'refinement',
    'level', 'clusters', 'largest', 'mean size', 'with a same-cluster sample', 'AMI', 'same class',
)  # fmt: skip


class Setting(NamedTuple):
    """Space, source, target images per cluster at levels 2 and 3, and the refiner's settings."""

    space: str
    source: str
    mean_sizes: tuple[float, float] = (2.6, 5.0)
    refiner: dict | None = None


REFINERS = (
    dict(),
    dict(neighbors=(2, 8)),
    dict(neighbors=(8, 40)),
    dict(min_units=3),
    dict(max_pieces=2),
    dict(max_pieces=32),
    dict(merge='centers'),
    dict(merge='propagation'),
    dict(assign='propagation'),
    *(dict(join='mutual', neighbors=near) for near in ((4, 20), (8, 40), (16, 80))),
    dict(join='mutual', neighbors=(16, 80), min_units=3),
)


def settings_of(spaces: Iterable[str]) -> Iterator[Setting]:
    """Yield what is compared: sources in every space, and refiners of the clusters of keys."""
    for space in spaces:
        for source in ('DBSCAN, Jaccard', 'DBSCAN, Euclidean', 'K-means', 'first neighbours'):
            yield Setting(space, source)
        for source in ('K-means', 'first neighbours'):
            yield Setting(space, source, (15, 50))
    yield Setting('projection', 'DBSCAN, Jaccard', (5.0, 20.0))
    for refiner in REFINERS:
        yield Setting('projection', 'DBSCAN, Jaccard', refiner=refiner)
    yield Setting('images', 'K-means', (15, 50), dict(neighbors=(15, 50)))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('--batch-size', type=int, default=128)
    parser.add_argument('--warmup', type=int, default=5, help='epochs that fill the bank')
    parser.add_argument('--epochs', type=int, default=4, help='of refinement')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE'
    )
    parser.add_argument('--out', type=Path, help='CSV file to write')
    add_trust_argument(parser)
    return parser.parse_args()


def foreign_features(config: Config, model: Any, loader: DataLoader) -> dict[str, Tensor]:
    """Compute the normalised features (N, D) of the config's feature source, by its type, if any.

    Raises:
        ValueError: if it has none for these images.
    """
    space = (config.default_hooks.get('clustering') or {}).get('space')
    if not isinstance(space, dict):
        return {}
    source = TASK_UTILS.build(space)
    source.check(model, loader)
    return {space['type']: normalize_rows_(source(model, loader))}


def cluster(setting: Setting, features: Tensor) -> Tensor:
    """Cluster features (N, D) into labels of levels 2 and 3, shape (2, N)."""
    if setting.source == 'K-means':
        counts = [round(len(features) / size) for size in setting.mean_sizes]
        return HierarchicalKMeansSource(counts)(features)
    if setting.source == 'first neighbours':
        return FirstNeighborSource(setting.mean_sizes)(features)
    metric = 'jaccard' if setting.source.endswith('Jaccard') else 'euclidean'
    return DBSCANSource(mean_sizes=setting.mean_sizes, metric=metric)(features)


@torch.no_grad()
def step_keys(
    model: nn.Module, config: Config, batch_size: int, epochs: int
) -> list[list[KeyBatch]]:
    """Compute the keys of augmented images as training steps do, for each batch of each epoch."""
    dataset = DATASETS.build(dict(type='SeededDataset', dataset=config.train_dataloader.dataset))
    model.train()
    generator = torch.Generator().manual_seed(0)

    def keys_of(epoch: int, images: Tensor) -> KeyBatch:
        items = dataset.__getitems__([SampleKey(0, epoch, image) for image in images.tolist()])
        views = model.data_preprocessor(default_collate(items), True)['inputs']
        return KeyBatch(images, normalize(sum(map(model.extract_keys, views)), dim=1))

    orders = [torch.randperm(len(dataset), generator=generator) for _ in range(epochs)]
    full = len(dataset) // batch_size * batch_size
    return [
        [keys_of(epoch, images) for images in order[:full].split(batch_size)]
        for epoch, order in enumerate(orders)
    ]


def refine(
    labels: Tensor, hierarchy: LabelHierarchy, settings: dict, epochs: list[list[KeyBatch]]
) -> Tensor:
    """Refine the labels of levels 2 and 3 from a filled bank on, which stays as it is."""
    hierarchy = copy.deepcopy(hierarchy)
    hierarchy.set_labels(labels)
    refiner = HierarchyRefiner(**settings)
    for batches in epochs:
        refiner.calibrate(hierarchy)
        for keys in batches:
            hierarchy.update_bank(*keys)
            refiner.refine(hierarchy, keys.indices)
    return hierarchy.labels


def measure(setting: Setting, labels: Tensor, classes: Tensor) -> Iterator[tuple[object, ...]]:
    """Yield a row per level of labels (2, N)."""
    refinement = 'none' if setting.refiner is None else setting.refiner or 'default'
    for level, partition in enumerate(labels, 2):
        sizes = summarize_partition(partition)
        found = agreement(partition, classes)
        yield (
            *(setting.space, setting.source, setting.mean_sizes, refinement),
            *(level, sizes.clusters, sizes.largest, f'{sizes.mean_size:.2f}'),
            f'{1 - sizes.singletons / len(partition):.2f}',
            *(f'{found.ami:.2f}', f'{found.same_cluster_precision:.2f}'),
        )


def show(*cells: object) -> None:
    print('|', ' | '.join(map(str, cells)), '|', flush=True)


def write(path: Path, rows: list[tuple[object, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w', newline='') as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def main() -> None:
    args = parse_args()
    config = Config.fromfile(args.config)
    spaces: dict[str, str | Tensor] = {space: space for space in SPACES}
    try:
        check_overrides(config, args.cfg_options)
        config.merge_from_dict(args.cfg_options)
        model, loader = load(config, args.checkpoint, args.trust_checkpoint)
        spaces |= foreign_features(config, model, loader)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    inputs = {
        name: extract_clustering_input(model, space, loader) for name, space in spaces.items()
    }
    keys, _, classes = inputs['projection']

    epochs = step_keys(model, config, args.batch_size, args.warmup + args.epochs)
    hierarchy = LabelHierarchy(
        3, keys.shape[1], len(keys), bank_momentum=config.model.hierarchy.get('bank_momentum', 0)
    )
    for batch in itertools.chain(*epochs[: args.warmup]):
        hierarchy.update_bank(*batch)

    _, found = nearest_neighbors(keys, keys, 2)
    right = (classes[found[:, 1]] == classes).float().mean()
    print(f'Of the nearest keys {right:.1%} are of the class of the image.\n')
    show(*COLUMNS)
    show(*['---'] * 4, *['---:'] * 7)
    rows: list[tuple[object, ...]] = []
    for setting in settings_of(spaces):
        labels = cluster(setting, inputs[setting.space].features)
        if setting.refiner is not None:
            labels = refine(labels, hierarchy, setting.refiner, epochs[args.warmup :])
        for row in measure(setting, labels, classes):
            show(*row)
            rows.append(row)
    if args.out is not None:
        write(args.out, rows)


if __name__ == '__main__':
    main()
