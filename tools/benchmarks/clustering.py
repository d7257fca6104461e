"""Measure time and memory of the clustering library.

    dbscan      nested DBSCAN at three radii, compared with three runs of scikit-learn's and with
                the bare matrix products; growth with the number of images
    dense       nested DBSCAN of one blob in which every pair is within the radius
    sources     the clustering sources, asked for clusters of 2.6 and 5 images; growth with the
                number of images
    refinement  one refinement, compared with the loss of the same batch; growth with images and
                batch
    epoch       what hooks do once an epoch: measures, checks and thresholds of a hierarchy

All entries of a table run in turn in one process; memory is measured in a separate process.
"""

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import mmrcl.threads  # noqa: F401  before torch

import measure
import torch
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import (
    ClusteringSource,
    DBSCANSource,
    EuclideanGraph,
    FirstNeighborSource,
    HierarchicalKMeansSource,
    HierarchyRefiner,
    LabelHierarchy,
    NestedPartition,
    canonical_labels,
    churn,
    nested_dbscan,
    summarize_partition,
)
from mmrcl.models import RelativeContrastiveLoss

if TYPE_CHECKING:
    from sklearn.cluster import DBSCAN

RADII = [0.6, 0.7, 0.8]
MIN_SAMPLES = 4
MEAN_SIZES = [2.6, 5.0]


def device() -> str:
    """Return the device of everything except scikit-learn."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def small_blobs(samples: int, dim: int) -> Tensor:
    """Draw unit vectors around random directions, five per direction, at various distances."""
    torch.manual_seed(0)
    centers = normalize(torch.randn(samples // 5, dim), dim=1)
    spread = 0.3 + 0.6 * torch.rand(samples, 1)
    noise = normalize(torch.randn(samples, dim), dim=1)
    chosen = torch.randint(len(centers), (samples,))
    return normalize(centers[chosen] + spread * noise, dim=1).to(device())


def one_blob(samples: int, dim: int) -> Tensor:
    """Draw unit vectors so close together that every pair is within the smallest radius."""
    torch.manual_seed(0)
    noise = normalize(torch.randn(samples, dim), dim=1)
    return normalize(normalize(torch.randn(1, dim), dim=1) + 0.3 * noise, dim=1).to(device())


def bare_products(features: Tensor, block_size: int) -> None:
    """Compute only the symmetric half of all products, block by block into one buffer."""
    buffer = features.new_empty(block_size**2)
    blocks = features.split(block_size)
    for number, row in enumerate(blocks):
        for col in blocks[number:]:
            out = buffer[: len(row) * len(col)].view(len(row), len(col))
            torch.mm(row, col.T, out=out)


def three_references(features: Tensor) -> list['DBSCAN']:
    """Run scikit-learn's DBSCAN at each radius, on all cores."""
    # The other parts, and tools/gpu_check.py, do without scikit-learn.
    from sklearn.cluster import DBSCAN

    points = features.cpu().numpy()
    return [DBSCAN(eps=eps, min_samples=MIN_SAMPLES, n_jobs=-1).fit(points) for eps in RADII]


def same_core_partition(found: NestedPartition, references: list['DBSCAN']) -> bool:
    """Return whether core points and their partition agree at all radii."""
    for labels, core, reference in zip(
        found.labels.cpu(), found.core.cpu(), references, strict=True
    ):
        expected = torch.zeros_like(core)
        expected[reference.core_sample_indices_] = True
        theirs = torch.from_numpy(reference.labels_)[expected]
        if not torch.equal(core, expected):
            return False
        if not torch.equal(canonical_labels(labels[core]), canonical_labels(theirs)):
            return False
    return True


def run_dbscan(args: argparse.Namespace) -> list[dict[str, object]]:
    """Return one row per size, and print the exponent of the growth."""
    rows: list[dict[str, object]] = []
    medians: list[tuple[int, float]] = []
    for samples in args.samples:
        features = small_blobs(samples, args.dim)
        ours = partial(nested_dbscan, EuclideanGraph(features), RADII, MIN_SAMPLES)
        block_size = EuclideanGraph(features).block_size
        jobs = dict(ours=ours, bare=partial(bare_products, features, block_size))
        if samples <= args.reference_up_to:
            jobs['reference'] = partial(three_references, features)
        times = measure.times_in_turn(jobs, args.repeats)
        medians.append((samples, statistics.median(times['ours'])))
        row: dict[str, object] = {
            'images': samples,
            'nested DBSCAN [s]': measure.spread(times['ours']),
            'bare products [s]': measure.spread(times['bare']),
            'share of products': measure.spread(
                a / b for a, b in zip(times['bare'], times['ours'], strict=True)
            ),
            'memory [MiB]': round(measure.peak_memory(dbscan_job, 'small', samples, args.dim)),
            'three of scikit-learn [s]': '',
            'times faster': '',
            'same core partition': '',
        }
        if 'reference' in times:
            pairs = zip(times['reference'], times['ours'], strict=True)
            row['three of scikit-learn [s]'] = measure.spread(times['reference'])
            row['times faster'] = measure.spread(a / b for a, b in pairs)
            row['same core partition'] = same_core_partition(ours(), three_references(features))
        rows.append(row)
    if len(medians) > 1:
        exponent = growth(medians)
        print(f'time grows as images^{exponent:.2f} from {args.samples[0]} to {args.samples[-1]}\n')
    return rows


def dbscan_job(kind: str, samples: int, dim: int) -> measure.Job:
    """Prepare the job for the measurement of memory, in its own process."""
    features = (small_blobs if kind == 'small' else one_blob)(samples, dim)
    nested_dbscan(EuclideanGraph(features[:64]), RADII)
    return lambda: nested_dbscan(EuclideanGraph(features), RADII, MIN_SAMPLES)


def run_dense(args: argparse.Namespace) -> list[dict[str, object]]:
    """Return one row per size."""
    rows = []
    for samples in args.samples:
        features = one_blob(samples, args.dim)
        ours = partial(nested_dbscan, EuclideanGraph(features), RADII, MIN_SAMPLES)
        times = measure.times_in_turn(dict(ours=ours), args.repeats, warmup=0)
        rows.append(
            {
                'images': samples,
                'pairs within 0.6': samples * (samples - 1) // 2,
                'nested DBSCAN [s]': measure.spread(times['ours']),
                'memory [MiB]': round(measure.peak_memory(dbscan_job, 'dense', samples, args.dim)),
                'clusters': len(ours().labels[-1].unique()),
            }
        )
    return rows


def source(name: str, samples: int) -> ClusteringSource:
    """Build one of the ``SOURCES`` for this number of images."""
    if name == 'K-means':
        return HierarchicalKMeansSource([round(samples / size) for size in MEAN_SIZES])
    if name == 'first neighbours':
        return FirstNeighborSource(MEAN_SIZES)
    return DBSCANSource(mean_sizes=MEAN_SIZES, metric=name.split()[-1])


SOURCES = ('first neighbours', 'DBSCAN euclidean', 'DBSCAN jaccard', 'K-means')


def source_job(name: str, samples: int, dim: int) -> measure.Job:
    """Prepare the job for the measurement of memory, in its own process."""
    features = small_blobs(samples, dim)
    source(name, 100)(features[:100])
    return partial(source(name, samples), features)


def run_sources(args: argparse.Namespace) -> list[dict[str, object]]:
    """Return one row per size and source, and print the exponents of the growth."""
    rows: list[dict[str, object]] = []
    medians: dict[str, list[tuple[int, float]]] = {name: [] for name in SOURCES}
    for samples in args.samples:
        features = small_blobs(samples, args.dim)
        names = [name for name in SOURCES if name != 'K-means' or samples <= args.kmeans_up_to]
        jobs = {name: partial(source(name, samples), features) for name in names}
        clock = time.process_time if args.processor_time else time.perf_counter
        times = measure.times_in_turn(jobs, args.repeats, warmup=0, clock=clock)
        for name in names:
            medians[name].append((samples, statistics.median(times[name])))
            pairs = zip(times[name], times[SOURCES[0]], strict=True)
            memory = measure.peak_memory(source_job, name, samples, args.dim)
            rows.append(
                {
                    'images': samples,
                    'source': name,
                    'time [s]': measure.spread(times[name]),
                    'times that of first neighbours': measure.spread(a / b for a, b in pairs),
                    'memory [MiB]': round(memory),
                }
            )
    for name, found in medians.items():
        if len(found) > 1:
            print(f'{name}: time grows as images^{growth(found):.2f}')
    return rows


def growth(times: list[tuple[int, float]]) -> float:
    """Return the exponent of the time from the smallest to the largest number of images."""
    (few, short), *_, (many, long) = times
    return math.log(long / short) / math.log(many / few)


class Shape(NamedTuple):
    """Kind of hierarchy.

    Attributes:
        starts: draws whether each image starts a cluster, at both levels.
        cluster: weight of a cluster's direction in its images, whose parent has weight 1.
        noise: weight of an image's own direction.
        thresholds: of merging, at both levels.
    """

    starts: Callable[[int, torch.Generator], tuple[Tensor, Tensor]]
    cluster: float
    noise: float
    thresholds: tuple[float, float]


def small_starts(samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw clusters of 2.6 and 5 images on average, and one large one that is both levels'.

    The large cluster has a twelfth of all images, at most 100,000.
    """
    large = min(100_000, samples // 12)
    fine = torch.rand(samples, generator=generator) < 1 / 2.6
    coarse = fine & (torch.rand(samples, generator=generator) < 2.6 / 5)
    for starts in (fine, coarse):
        starts[1:large] = False
        starts[large] = True
    return fine, coarse


def even_starts(samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Make clusters of 4 and 24 images."""
    images = torch.arange(samples)
    return images % 4 == 0, images % 24 == 0


SHAPES = {
    'small': Shape(small_starts, 0.65, 0.75, (0.6, 0.45)),
    'even': Shape(even_starts, 0.5, 0.45, (0.75, 0.62)),
}


def imagenet_like(samples: int, dim: int, bank_dtype: str, shape: str = 'small') -> LabelHierarchy:
    """Build a hierarchy of one of the ``SHAPES``, its images in random order."""
    generator = torch.Generator().manual_seed(0)
    kind = SHAPES[shape]
    fine, coarse = kind.starts(samples, generator)
    order = torch.randperm(samples, generator=generator)
    fine, coarse = fine.cumsum(0)[order], coarse.cumsum(0)[order]
    hierarchy = LabelHierarchy(3, dim, samples, bank_dtype=bank_dtype)
    family = normalize(torch.randn(int(coarse.max()) + 1, dim, generator=generator), dim=1)
    cluster = normalize(torch.randn(int(fine.max()) + 1, dim, generator=generator), dim=1)
    for part in torch.arange(samples).split(1 << 16):
        noise = normalize(torch.randn(len(part), dim, generator=generator), dim=1)
        vectors = family[coarse[part]] + kind.cluster * cluster[fine[part]] + kind.noise * noise
        hierarchy.bank[part] = normalize(vectors, dim=1).to(hierarchy.bank.dtype)
    hierarchy.set_labels(torch.stack([fine, coarse]))
    return hierarchy.to(device())


class Refinement:
    """Refinement of one batch after another, each from the same hierarchy."""

    def __init__(self, hierarchy: LabelHierarchy, batch: int, shape: str = 'small') -> None:
        self.hierarchy = hierarchy
        self.start = hierarchy.labels.clone()
        self.batch = batch
        self.calls = 0
        self.refiner = HierarchyRefiner(merge_threshold=SHAPES[shape].thresholds)
        self.refiner.calibrate(hierarchy)

    def reset(self) -> None:
        """Restore the labels and draw the next batch."""
        self.hierarchy.labels.copy_(self.start)
        self.calls += 1
        generator = torch.Generator().manual_seed(self.calls)
        drawn = torch.randint(self.hierarchy.num_samples, (self.batch,), generator=generator)
        self.indices = drawn.to(self.start.device)

    def __call__(self) -> None:
        self.refiner.refine(self.hierarchy, self.indices)


def refinement_job(samples: int, dim: int, bank_dtype: str, shape: str, batch: int) -> measure.Job:
    """Prepare the job for the measurement of memory, in its own process."""
    small = Refinement(imagenet_like(2000, dim, bank_dtype, shape), batch, shape)
    small.reset()
    small()
    job = Refinement(imagenet_like(samples, dim, bank_dtype, shape), batch, shape)
    job.reset()
    return job


def loss_job(batch: int, queue: int, dim: int) -> measure.Job:
    """Prepare forward and backward of the loss with H = 3 and two keys per query."""
    torch.manual_seed(0)
    where = device()
    predictions = normalize(torch.randn(3, batch, dim, device=where), dim=2).requires_grad_()
    keys = normalize(torch.randn(batch, 2, dim, device=where), dim=2)
    entries = normalize(torch.randn(queue, dim, device=where), dim=1)
    labels = [torch.randint(1_281_167, (1, size), device=where) for size in (batch, queue)]
    positive = torch.rand(batch, 2, 3, device=where) < 0.5
    in_queue = torch.tensor([False, True], device=where).expand(batch, 2)[:, :, None]
    loss = RelativeContrastiveLoss()

    def run() -> None:
        output = loss(
            predictions=predictions,
            keys=keys,
            positive_mask=positive,
            queue=entries,
            query_labels=labels[0],
            entry_labels=labels[1],
            key_in_denominator=in_queue,
        )
        output.losses['loss'].backward()

    return run


def run_refinement(args: argparse.Namespace) -> list[dict[str, object]]:
    """Return one row per shape, number of images and batch; a shape's last is compared."""
    rows = []
    for shape, samples in itertools.product(args.shape, args.samples):
        hierarchy = imagenet_like(samples, args.dim, args.bank_dtype, shape)
        for batch in args.batch:
            job = Refinement(hierarchy, batch, shape)
            jobs: dict[str, measure.Job] = dict(refinement=job)
            compared = samples == args.samples[-1] and batch == args.batch[-1]
            if compared:
                jobs['loss'] = loss_job(batch, args.queue, args.dim)
            times = measure.times_in_turn(jobs, args.repeats, before=job.reset)
            job.reset()
            hierarchy.labels.copy_(job.start)
            row: dict[str, object] = {
                'shape': shape,
                'images': samples,
                'batch': batch,
                'refinement [ms]': measure.spread(times['refinement'], 1e3),
                'memory over the bank [MiB]': '',
                'loss [ms]': '',
                'share of the loss': '',
            }
            if compared:
                pairs = zip(times['refinement'], times['loss'], strict=True)
                row['loss [ms]'] = measure.spread(times['loss'], 1e3)
                row['share of the loss'] = measure.spread(a / b for a, b in pairs)
                memory = measure.peak_memory(
                    refinement_job, samples, args.dim, args.bank_dtype, shape, batch
                )
                row['memory over the bank [MiB]'] = round(memory)
            rows.append(row)
    return rows


def epoch_jobs(hierarchy: LabelHierarchy, classes: Tensor) -> dict[str, measure.Job]:
    """Prepare what hooks do once an epoch; every twentieth image changed its cluster."""
    from mmrcl.evaluation import agreement  # needs SciPy, which the other jobs do without

    labels = hierarchy.labels.int().cpu()
    before = labels.clone()
    before[:, ::20] = labels[:, :1]
    refiner = HierarchyRefiner()

    def monitor() -> None:
        for row, level in enumerate(labels):
            churn(before[row], level)
            agreement(level, classes)

    return {
        'HierarchyMonitorHook': monitor,
        'sizes of the clusters': lambda: [summarize_partition(row) for row in hierarchy.labels],
        'check of nesting': hierarchy.check,
        'checksum': hierarchy.checksum,
        'calibrate the refiner': partial(refiner.calibrate, hierarchy),
    }


def run_epoch(args: argparse.Namespace) -> list[dict[str, object]]:
    """Return one row per number of images and job."""
    rows: list[dict[str, object]] = []
    for samples in args.samples:
        hierarchy = imagenet_like(samples, args.dim, args.bank_dtype)
        generator = torch.Generator().manual_seed(0)
        classes = torch.randint(args.classes, (samples,), generator=generator)
        jobs = epoch_jobs(hierarchy, classes)
        for name, times in measure.times_in_turn(jobs, args.repeats).items():
            rows.append({'images': samples, 'job': name, 'time [s]': measure.spread(times)})
    return rows


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest='part', required=True)
    for name, run, samples, repeats in (
        ('dbscan', run_dbscan, [10_000, 20_000, 40_000, 80_000], 5),
        ('dense', run_dense, [40_000], 3),
        ('sources', run_sources, [20_000, 40_000, 80_000], 3),
        ('refinement', run_refinement, [80_000, 320_000, 1_281_167], 20),
        ('epoch', run_epoch, [1_281_167], 5),
    ):
        part = parts.add_parser(name)
        part.set_defaults(run=run)
        listed = ' '.join(str(size) for size in samples)
        part.add_argument(
            '--samples', type=int, nargs='+', default=samples, help=f'images (default: {listed})'
        )
        part.add_argument('--dim', type=int, default=256, help='d (default: 256)')
        part.add_argument(
            '--repeats', type=int, default=repeats, help=f'timed calls (default: {repeats})'
        )
        part.add_argument('--out', type=Path, help='CSV file to write')
        if name == 'dbscan':
            part.add_argument(
                '--reference-up-to',
                type=int,
                default=20_000,
                help='images for which scikit-learn runs as well (default: 20000)',
            )
        if name == 'sources':
            part.add_argument(
                '--kmeans-up-to',
                type=int,
                default=20_000,
                help='images for which K-means runs as well (default: 20000)',
            )
            part.add_argument(
                '--processor-time',
                action='store_true',
                help='measure processor time, for a busy machine without a GPU',
            )
        if name in ('refinement', 'epoch'):
            part.add_argument('--bank-dtype', default='float32', choices=['float32', 'float16'])
        if name == 'epoch':
            part.add_argument('--classes', type=int, default=1000, help='(default: 1000)')
        if name == 'refinement':
            part.add_argument(
                '--shape',
                nargs='+',
                default=list(SHAPES),
                choices=list(SHAPES),
                help='clusters of 2.6 and 5 images and a large one, or of 4 and 24 (default: both)',
            )
            part.add_argument(
                '--batch', type=int, nargs='+', default=[256, 1024, 4096], help='(default: three)'
            )
            part.add_argument('--queue', type=int, default=98_304, help='K (default: 98304)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    print(f'{measure.machine("scikit-learn")}\nmedian (minimum-maximum) of {args.repeats} calls\n')
    measure.show(args.run(args), args.out)


if __name__ == '__main__':
    main()
