"""Compares settings of the online refinement on the frozen features of a checkpoint.

Clusters the training images' keys as the config's hook would, refines them for an epoch of random
batches under each setting, and prints sizes and how clean the clusters are: the share of images
that have a mate, and the share of these mates that are of the image's class.
"""

import argparse
from pathlib import Path

import torch
from checkpoint_keys import extract_keys
from mmengine.config import Config

from mmrcl.clustering import HierarchyRefiner, LabelHierarchy, summarize_partition
from mmrcl.evaluation import mate_precision
from mmrcl.registry import TASK_UTILS

SETTINGS = (
    dict(merge='average'),
    dict(merge='centers'),
    dict(merge='propagation'),
    dict(merge='average', assign='propagation'),
    dict(merge='average', neighbors=(2, 8)),
    dict(merge='centers', neighbors=(2, 8)),
)


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
    config = Config.fromfile(args.config)
    features, classes = extract_keys(config, args.checkpoint)
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
            share = 1 - sizes.singletons / len(labels)
            right = mate_precision(labels, classes)
            name = 'start: the source alone' if setting is None else str(setting)
            print(
                f'{name:48} {level:5}  {sizes.clusters:8}  {sizes.largest:7}  '
                f'{sizes.mean_size:9.2f}  {share:9.2f}  {right:12.2f}'
            )


if __name__ == '__main__':
    main()
