"""RCL from images to evaluated representation on scikit-learn's digits, in minutes on a CPU.

Pretrains RCL (clusters of the images) and, with the same budget, instance discrimination by
tools/train.py; scores raw pixels, an untrained encoder and both by kNN and a linear probe with 1 %,
10 % and 100 % of the labels; draws curves, a t-SNE and a gallery of clusters; writes a page that
shows RCL's hierarchy.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import mmrcl.threads  # noqa: F401  before torch

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor, nn

from mmrcl.ablations import Job, run_jobs, scalars_of
from mmrcl.checkpoint import load_weights
from mmrcl.errors import TrainingError
from mmrcl.evaluation import Result, evaluate_representation, format_results, write_results_csv
from mmrcl.features import extract_representation
from mmrcl.progress import stage
from mmrcl.registry import MODELS
from mmrcl.visualization import plot_cluster_gallery, plot_curves, plot_tsne

ROOT = Path(__file__).parents[1]
CONFIGS = dict(
    instance_discrimination=ROOT
    / 'configs/baselines/instance-discrimination_resnet18_1xb128-coslr-30e_digits.py',
    rcl=ROOT / 'configs/rcl/rcl-images_resnet18_1xb128-coslr-30e_digits.py',
)
LabeledFeatures = tuple[Tensor, Tensor]
TITLES = dict(
    pixels='raw pixels',
    untrained='untrained',
    instance_discrimination='instance discrimination',
    rcl='RCL',
)


def pretrain(work_dir: Path, epochs: int) -> None:
    """Train all configs in parallel.

    Raises:
        TrainingError: with the log of a run that failed.
    """
    options = ['--epochs', str(epochs)]
    jobs = []
    for name, config in CONFIGS.items():
        command = [sys.executable, ROOT / 'tools/train.py', config, '--work-dir', work_dir / name]
        jobs.append(Job(TITLES[name], [*command, *options], work_dir / name, epochs))
    run_jobs(jobs)


def build_model(config: Config, checkpoint: Path | None) -> nn.Module:
    """Build the model of a config, from a checkpoint or as initialised."""
    MMLogger.get_current_instance().setLevel('WARNING')
    set_random_seed(0)
    model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    model.init_weights()
    if checkpoint is not None:
        model.load_state_dict(load_weights(checkpoint)[0])
    return model


def encode(model: nn.Module, config: Config) -> list[LabeledFeatures]:
    """Extract backbone features of the training and test images."""
    loaders = (config.plain_train_dataloader, config.test_dataloader)
    return [extract_representation(model, Runner.build_dataloader(loader)) for loader in loaders]


def raw_images(loader: dict) -> tuple[np.ndarray, Tensor]:
    """Read images (N, 8, 8) uint8 and classes (N,) of a loader's data set."""
    loader = dict(loader, dataset=dict(loader['dataset'], scale=None))
    dataset = Runner.build_dataloader(loader).dataset
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    images = np.stack([info['img'] for info in infos])
    return images, torch.tensor([info['gt_label'] for info in infos])


def pixels(config: Config) -> list[LabeledFeatures]:
    """Return the pixels as features, 64 per image."""
    sets = [
        raw_images(loader) for loader in (config.plain_train_dataloader, config.test_dataloader)
    ]
    return [(torch.from_numpy(x).flatten(1).float() / 255, y) for x, y in sets]


def score(features: dict[str, list[LabeledFeatures]]) -> list[Result]:
    """Compute kNN and linear accuracy of each encoder with 1 %, 10 % and 100 % of the labels."""
    results: list[Result] = []
    for name, (train, test) in features.items():
        scores = evaluate_representation(*train, *test, seeds=range(10))
        results += [Result(encoder=name, **row) for row in scores]
    return results


def knn_accuracy(results: list[Result], encoder: str) -> float:
    """Return the kNN accuracy with all labels, which the runs log too."""
    [found] = [
        row['accuracy']
        for row in results
        if (row['encoder'], row['metric'], row['labels']) == (encoder, 'knn', 100)
    ]
    return found


def draw(
    work_dir: Path,
    config: Config,
    features: dict[str, list[LabeledFeatures]],
    labels: Tensor,
    results: list[Result],
) -> dict[Path, str]:
    """Draw the three figures, and return their paths with descriptions."""
    digits = [str(digit) for digit in range(10)]
    images, classes = raw_images(config.plain_train_dataloader)
    curves = {TITLES[name]: scalars_of(work_dir / name) for name in CONFIGS}
    by_title = {TITLES[name]: test for name, (_, (test, _)) in features.items()}
    test_classes = features['rcl'][1][1]
    return {
        plot_curves(
            curves,
            work_dir / 'curves.png',
            title='Pretraining on digits',
            references={TITLES['pixels']: knn_accuracy(results, 'pixels')},
        ): 'loss and kNN accuracy',
        plot_tsne(
            by_title, test_classes, digits, work_dir / 'tsne.png', title='t-SNE of the test digits'
        ): 't-SNE coloured by class',
        plot_cluster_gallery(
            images, labels, work_dir / 'clusters.png', classes, digits
        ): "RCL's largest clusters, with those inside",
    }


def write_page(work_dir: Path, checkpoint: Path) -> dict[Path, str]:
    """Write the page of RCL's hierarchy by tools/analysis/hierarchy_report.py."""
    path = work_dir / 'hierarchy_report.html'
    script = ROOT / 'tools/analysis/hierarchy_report.py'
    command = [sys.executable, script, CONFIGS['rcl'], checkpoint, '--out', path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {path: "RCL's hierarchy to look at: open it in a browser"}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--epochs', type=int, help="instead of the configs' number of epochs")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    start = time.time()
    init_default_scope('mmrcl')
    configs = {name: Config.fromfile(path) for name, path in CONFIGS.items()}
    epochs = args.epochs or configs['rcl'].train_cfg.max_epochs

    with stage(
        f'Pretraining RCL and instance discrimination, {epochs} epochs each, without labels'
    ):
        pretrain(args.work_dir, epochs)
    with stage('Extracting features and scoring them by kNN and a linear probe'):
        config = configs['rcl']
        features = dict(pixels=pixels(config), untrained=encode(build_model(config, None), config))
        for name, config in configs.items():
            model = build_model(config, args.work_dir / name / f'epoch_{epochs}.pth')
            features[name] = encode(model, config)
        results = score(features)
        written = {write_results_csv(args.work_dir / 'results.csv', results): 'the table above'}
    with stage('Drawing'):
        written |= draw(args.work_dir, config, features, model.hierarchy.labels, results)
        written |= write_page(args.work_dir, args.work_dir / 'rcl' / f'epoch_{epochs}.pth')

    print('\nAccuracy on test digits (1 % and 10 % of the labels: mean of 10 balanced draws)\n')
    print(format_results(results))
    print(f'\nDone in {time.time() - start:.0f} s. Everything is in {args.work_dir}:')
    for path, what in written.items():
        print(f'  {path}  {what}')
    for name in CONFIGS:
        print(f'  {args.work_dir / name}/  log and checkpoints of {TITLES[name]}')


if __name__ == '__main__':
    try:
        main()
    except TrainingError as error:
        sys.exit(f'error: {error}')
