"""Compares settings of the online refinement on the frozen features of a checkpoint.

Clusters the training images' keys as the config's hook would, refines them for an epoch of random
batches under each setting, and prints sizes and how clean the clusters are: the share of images
that have a mate, and the share of these mates that are of the image's class.
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.clustering import HierarchyRefiner, LabelHierarchy, summarize_partition
from mmrcl.engine.extraction import extract
from mmrcl.registry import MODELS, TASK_UTILS

SETTINGS = (
    dict(merge='average'),
    dict(merge='centers'),
    dict(merge='propagation'),
    dict(merge='average', assign='propagation'),
    dict(merge='average', neighbors=(2, 8)),
    dict(merge='centers', neighbors=(2, 8)),
)


def mates(labels: Tensor, classes: Tensor) -> tuple[float, float]:
    """Share of images with a mate, and mean share of an image's mates that have its class."""
    same = labels[:, None] == labels
    same.fill_diagonal_(False)
    has = same.any(1)
    right = (same & (classes[:, None] == classes)).sum(1)[has] / same.sum(1)[has]
    return float(has.float().mean()), float(right.mean())


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', type=Path)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('--batch-size', type=int, default=128)
    parser.add_argument('--epochs', type=int, default=4)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    init_default_scope('mmrcl')
    config = Config.fromfile(args.config)
    model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    model.load_state_dict(torch.load(args.checkpoint, 'cpu', weights_only=False)['state_dict'])
    loader = Runner.build_dataloader(config.plain_train_dataloader)
    features, classes = extract(model, model.extract_keys, loader)
    start = TASK_UTILS.build(config.custom_hooks[0].source)(features)

    print(f'{"setting":48} level  clusters  largest  mean size  with mate  of its class')
    for setting in (None, *SETTINGS):
        hierarchy = LabelHierarchy(len(start) + 1, features.shape[1], len(features))
        hierarchy.set_bank(features)
        hierarchy.set_labels(start)
        if setting is not None:
            refiner = HierarchyRefiner(**setting)
            refiner.calibrate(hierarchy)
            generator = torch.Generator().manual_seed(0)
            for _ in range(args.epochs):
                order = torch.randperm(len(features), generator=generator)
                for batch in order.split(args.batch_size):
                    refiner.refine(hierarchy, batch)
        for level, labels in enumerate(hierarchy.labels, 2):
            sizes = summarize_partition(labels)
            share, right = mates(labels, classes)
            name = 'start: the source alone' if setting is None else str(setting)
            print(
                f'{name:48} {level:5}  {sizes.clusters:8}  {sizes.largest:7}  '
                f'{sizes.mean_size:9.2f}  {share:9.2f}  {right:12.2f}'
            )


if __name__ == '__main__':
    main()
