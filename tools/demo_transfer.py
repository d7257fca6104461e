"""Fine-tune the demo's encoders: classification with few labels, and Mask R-CNN.

Each encoder, and one initialised at random with the same budget, is fine-tuned on 1 % and 10 % of
the digits' labels and as the backbone of a Mask R-CNN on canvases of digits, by tools/train.py.
Prints the scores and draws detections.
"""

import argparse
import contextlib
import csv
import io
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import mmcv
import numpy as np
from mmengine.config import Config

from mmrcl.ablations import Job, run_jobs, scalars_of
from mmrcl.checkpoint import guard_mmengine, latest_checkpoint
from mmrcl.errors import ConfigError, TrainingError
from mmrcl.evaluation import format_table
from mmrcl.progress import stage
from mmrcl.visualization import Instances, plot_detections, read_scalars

# These imports print long warnings about missing optional parts.
with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    warnings.simplefilter('ignore')
    try:
        from mmdet.apis import inference_detector, init_detector
        from pycocotools.coco import COCO
    except ImportError as error:
        sys.exit(f'error: {error}: detection needs what `make venv-full` installs')

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / 'configs/benchmarks'
DETECTION = CONFIGS / 'mmdetection/mask-rcnn_resnet18_fpn_1xb8-10e_digit-canvases.py'
TITLES = dict(random='random', instance_discrimination='instance discrimination', rcl='RCL')
DRAWN = 6


class Task(NamedTuple):
    """A downstream task.

    Attributes:
        config: config of the benchmark.
        metrics: column of the table by the name of a logged scalar.
        scale: factor from the scalar to a percentage.
        seeds: settings that are set to the seed of a run.
    """

    config: Path
    metrics: dict[str, str]
    scale: float
    seeds: tuple[str, ...]


FEW_LABELS = ('randomness.seed', 'train_dataloader.dataset.seed')
TASKS = dict(
    detection=Task(
        DETECTION,
        {'coco/bbox_mAP': 'box AP', 'coco/segm_mAP': 'mask AP'},
        100,
        ('randomness.seed',),
    ),
    labels_1=Task(
        CONFIGS / 'semisup/resnet18_1xb10-coslr-200e_digits-1pct.py',
        {'accuracy/top1': '1 % top-1'},
        1,
        FEW_LABELS,
    ),
    labels_10=Task(
        CONFIGS / 'semisup/resnet18_1xb32-coslr-50e_digits-10pct.py',
        {'accuracy/top1': '10 % top-1'},
        1,
        FEW_LABELS,
    ),
)
COLUMNS = [column for task in TASKS.values() for column in task.metrics.values()]


class Run(NamedTuple):
    """One fine-tuning."""

    task: str
    arm: str
    seed: int

    def folder(self, work_dir: Path) -> Path:
        """Return its work dir."""
        return work_dir / self.task / f'{self.arm}_seed{self.seed}'


class Score(NamedTuple):
    """A score of the table, in per cent."""

    initialisation: str
    seed: int
    metric: str
    value: float


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--pretraining', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo_transfer'))
    parser.add_argument('--arms', nargs='+', choices=TITLES, default=list(TITLES))
    parser.add_argument('--seeds', nargs='+', type=int, default=[0], help='one run a task for each')
    parser.add_argument('--epochs', type=int, help="instead of the configs' number of epochs")
    return parser.parse_args()


def start_of(arm: str, pretraining: Path) -> str:
    """Return the checkpoint that an arm starts from, or ``'random'``.

    Raises:
        ConfigError: if the demo has not written it.
    """
    if arm == 'random':
        return arm
    checkpoint = latest_checkpoint(pretraining / arm)
    if checkpoint is None:
        raise ConfigError(f'no checkpoint in {pretraining / arm}: run `make demo` first')
    return str(checkpoint)


def job(run: Run, start: str, work_dir: Path, epochs: int | None) -> Job:
    """Make the job of a run."""
    task = TASKS[run.task]
    folder = run.folder(work_dir)
    epochs = epochs or Config.fromfile(task.config).train_cfg.max_epochs
    options = [f'{setting}={run.seed}' for setting in task.seeds]
    command = [sys.executable, ROOT / 'tools/train.py', task.config, '--pretrained', start]
    command += ['--work-dir', folder, '--epochs', str(epochs), '--cfg-options', *options]
    title = f'{run.task} {TITLES[run.arm]} {run.seed}'
    return Job(title, command, folder, epochs)


def scores_of(run: Run, work_dir: Path) -> Iterator[Score]:
    """Yield the last scores that a run logged."""
    task = TASKS[run.task]
    rows = read_scalars(scalars_of(run.folder(work_dir)))
    for key, column in task.metrics.items():
        value = [row[key] for row in rows if key in row][-1]
        yield Score(TITLES[run.arm], run.seed, column, task.scale * value)


def write_csv(path: Path, scores: Sequence[Score]) -> Path:
    """Write one row per score."""
    with path.open('w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(Score._fields)
        writer.writerows(score._replace(value=round(score.value, 2)) for score in scores)
    return path


def table(scores: Sequence[Score]) -> str:
    """Format a row per initialisation, with mean and deviation for several seeds."""
    rows = []
    for name in dict.fromkeys(score.initialisation for score in scores):
        cells = [name]
        for column in COLUMNS:
            values = [s.value for s in scores if (s.initialisation, s.metric) == (name, column)]
            deviation = f' ± {stdev(values):.1f}' if len(values) > 1 else ''
            cells.append(f'{mean(values):.1f}{deviation}')
        rows.append(cells)
    return format_table(['initialisation', *COLUMNS], rows)


def true_instances(coco: COCO, image: int) -> Instances:
    """Read the annotated digits of a canvas."""
    found = coco.loadAnns(coco.getAnnIds(image))
    left_top_size = np.array([each['bbox'] for each in found])
    boxes = np.hstack([left_top_size[:, :2], left_top_size[:, :2] + left_top_size[:, 2:]])
    masks = np.stack([coco.annToMask(each).astype(bool) for each in found])
    labels = np.array([coco.getCatIds().index(each['category_id']) for each in found])
    return Instances(labels, boxes, masks)


def predicted_instances(folder: Path, paths: Sequence[Path]) -> list[Instances]:
    """Run the detector of a work dir on images."""
    guard_mmengine()
    model = init_detector(str(DETECTION), str(latest_checkpoint(folder)), device='cpu')
    found = [inference_detector(model, str(path)).pred_instances.numpy() for path in paths]
    return [Instances(each.labels, each.bboxes, each.masks, each.scores) for each in found]


def draw(work_dir: Path, data: Path, arms: Sequence[str], seed: int) -> Path:
    """Draw ground truth and detections on some val canvases."""
    coco = COCO(data / 'annotations/val.json')
    images = coco.getImgIds()[:DRAWN]
    paths = [data / 'val' / each['file_name'] for each in coco.loadImgs(images)]
    rows = {'truth': [true_instances(coco, image) for image in images]}
    for arm in arms:
        folder = Run('detection', arm, seed).folder(work_dir)
        rows[TITLES[arm]] = predicted_instances(folder, paths)
    return plot_detections(
        [mmcv.imread(path, 'grayscale') for path in paths],
        rows,
        [str(digit) for digit in range(10)],
        work_dir / 'detections.png',
        title='Mask R-CNN by initialisation of its backbone',
    )


def main() -> None:
    args = parse_args()
    begin = time.time()
    starts = {arm: start_of(arm, args.pretraining) for arm in args.arms}
    runs = [Run(task, arm, seed) for task in TASKS for seed in args.seeds for arm in args.arms]
    data = Path(Config.fromfile(DETECTION).data_root)
    with stage('Writing the detection set'):
        subprocess.run([sys.executable, ROOT / 'tools/data/digit_canvases.py', data], check=True)
    with stage(f'Fine-tuning {len(runs)} times: {len(args.arms)} initialisations'):
        run_jobs([job(run, starts[run.arm], args.work_dir, args.epochs) for run in runs])
    scores = [score for run in runs for score in scores_of(run, args.work_dir)]
    written = {write_csv(args.work_dir / 'results.csv', scores): 'the table above, by seed'}
    with stage('Drawing'):
        written[draw(args.work_dir, data, args.arms, args.seeds[0])] = 'detections on val canvases'

    print(f'\nAverage precision and top-1 accuracy in %, seeds {args.seeds}\n')
    print(table(scores))
    print(f'\nDone in {time.time() - begin:.0f} s. Everything is in {args.work_dir}:')
    for path, what in written.items():
        print(f'  {path}  {what}')


if __name__ == '__main__':
    try:
        main()
    except (ConfigError, TrainingError) as error:
        sys.exit(f'error: {error}')
