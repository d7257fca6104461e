"""Compare K-means of mmrcl, run by pt_kmeans, with faiss and scikit-learn from the same start.

    python tools/benchmarks/kmeans.py --samples 20000 --clusters 7692 4000

The points are unit vectors in small blobs of five on average, like features of a trained encoder.
On a GPU only libraries that use it are run.
"""

import argparse
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import mmrcl.threads  # noqa: F401  before torch

import torch
from measure import Job, Row, machine, peak_memory, show, spread, synchronize, times_in_turn
from torch import Tensor
from torch.nn.functional import normalize

from mmrcl.clustering import group_rows, kmeans, segment_mean

Run = Callable[[Tensor, Tensor, int], Tensor]


def points_and_start(samples: int, clusters: int, dim: int) -> tuple[Tensor, Tensor]:
    """Draw points (N, d), and among them the initial centres."""
    generator = torch.Generator().manual_seed(0)
    blobs = normalize(torch.randn(max(1, samples // 5), dim, generator=generator), dim=1)
    chosen = torch.randint(len(blobs), (samples,), generator=generator)
    noise = torch.randn(samples, dim, generator=generator) * 0.7 / dim**0.5
    points = normalize(blobs[chosen] + noise, dim=1)
    start = points[torch.randperm(samples, generator=generator)[:clusters]]
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    return points.to(device), start.to(device)


def run_pt_kmeans(points: Tensor, start: Tensor, iters: int) -> Tensor:
    return kmeans(points, len(start), max_iters=iters, centers=start)


def run_faiss(points: Tensor, start: Tensor, iters: int) -> Tensor:
    import faiss

    size, dim = start.shape
    # By default faiss samples 256 points per centre and warns below 39.
    bounds = dict(min_points_per_centroid=1, max_points_per_centroid=len(points))
    model = faiss.Kmeans(dim, size, niter=iters, gpu=points.is_cuda, **bounds)
    model.train(points.cpu().numpy(), init_centroids=start.cpu().numpy())
    return torch.from_numpy(model.assign(points.cpu().numpy())[1]).to(points.device)


def run_sklearn(points: Tensor, start: Tensor, iters: int) -> Tensor:
    from sklearn.cluster import KMeans

    model = KMeans(len(start), init=start.numpy(), n_init=1, max_iter=iters, tol=0)
    return torch.from_numpy(model.fit(points.numpy()).labels_).long()


LIBRARIES: dict[str, tuple[str, Run]] = {
    'pt_kmeans': ('pt_kmeans', run_pt_kmeans),
    'faiss': ('faiss', run_faiss),
    'scikit-learn': ('sklearn', run_sklearn),
}
COLUMNS = ('library', 'N', 'K', 's an iteration', 'peak MiB', 'inertia', 'clusters with points')


def unusable(name: str) -> str:
    """Return why a library cannot run here, empty if it can."""
    if find_spec(LIBRARIES[name][0]) is None:
        return 'not installed'
    if torch.cuda.is_available() and name == 'scikit-learn':
        return 'no GPU'
    if torch.cuda.is_available() and name == 'faiss':
        import faiss

        return '' if faiss.get_num_gpus() else 'no GPU in this build'
    return ''


def prepare(name: str, samples: int, clusters: int, dim: int, iters: int) -> Job:
    """Prepare one K-means, after a warm-up of its library on a few points."""
    points, start = points_and_start(samples, clusters, dim)
    run = LIBRARIES[name][1]
    run(points[:64], start[:8], 1)
    synchronize()
    return partial(run, points, start, iters)


def inertia(points: Tensor, labels: Tensor) -> float:
    """Sum the squared distances of the points to the means of their clusters."""
    groups = group_rows(labels)
    means = segment_mean(points.double(), groups)
    return float((points.double() - means[groups.inverse]).square().sum())


def measured(clusters: int, args: argparse.Namespace) -> list[Row]:
    """Return a row per library; time is per iteration, the last assignment counting as one."""
    size = (args.samples, clusters, args.dim, args.iters)
    reasons = {name: unusable(name) for name in args.libraries}
    labels: dict[str, Tensor] = {}

    def keep(name: str, job: Job) -> None:
        labels[name] = job()

    jobs = {
        name: partial(keep, name, prepare(name, *size)) for name in reasons if not reasons[name]
    }
    times = times_in_turn(jobs, args.repeats, warmup=0)
    points = points_and_start(*size[:3])[0]
    rows = []
    for name, reason in reasons.items():
        values = [reason] * 4
        if not reason:
            memory = peak_memory(prepare, name, *size)
            values = [spread(times[name], 1 / (args.iters + 1)), f'{memory:.0f}']
            values += [f'{inertia(points, labels[name]):.6g}', len(labels[name].unique())]
        rows.append(dict(zip(COLUMNS, (name, args.samples, clusters, *values), strict=True)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--samples', type=int, default=20_000, help='N')
    parser.add_argument('--clusters', type=int, nargs='+', default=[7_692, 4_000], help='K')
    parser.add_argument('--dim', type=int, default=256, help='d')
    parser.add_argument('--iters', type=int, default=3, help='iterations of each run')
    parser.add_argument('--repeats', type=int, default=3, help='runs that are timed')
    parser.add_argument('--libraries', nargs='+', choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument('--out', help='CSV file to write')
    args = parser.parse_args()
    print(machine('pt_kmeans', 'faiss-cpu', 'scikit-learn', 'numpy') + '\n')
    show([row for k in args.clusters for row in measured(k, args)], args.out)


if __name__ == '__main__':
    main()
