"""K-means of the paper's offline criteria (Table 4), run by the library pt_kmeans."""

from importlib.util import find_spec

import torch
from torch import Tensor

from mmrcl.arguments import check_features, check_width

from .copies import equal_rows


def require_kmeans() -> None:
    """Raise ImportError if pt_kmeans, which runs K-means, is not installed."""
    if find_spec('pt_kmeans') is None:
        raise ImportError(
            'K-means needs pt_kmeans: pip install "pt-kmeans>=0.9.2", on Python 3.11 or newer'
        )


def kmeans(
    features: Tensor,
    num_clusters: int,
    seed: int = 0,
    max_iters: int = 20,
    centers: Tensor | None = None,
    max_distances: int = 2**22,
) -> Tensor:
    """Assign each point to the nearest of ``num_clusters`` centres by Lloyd's iterations.

    Centres start at points drawn with ``seed``, the same ones on every device. A centre that loses
    all its points moves to a random point, so a label without points remains only where points
    coincide or the last iteration emptied it. Equal points share a label. Iterations stop when the
    centres no longer move.

    Distances are computed from a chunk of points to all centres: at most ``max_distances``, but not
    fewer than the centres have elements, since each chunk squares all centres again. Half precision
    is computed in float32; centres are summed in float64, so that the order of additions on a GPU
    has little effect.

    Args:
        features: shape (N, d).
        num_clusters: number of centres, 1..N.
        seed: seed of all draws.
        max_iters: maximum number of iterations.
        centers: initial centres instead of random ones, shape (num_clusters, d).
        max_distances: distances held at a time.

    Returns:
        Labels in 0..num_clusters - 1, shape (N,), on the device of the features.

    Raises:
        ImportError: without pt_kmeans.
        ValueError: for more clusters than points, and for features that are empty, NaN or Inf.
    """
    require_kmeans()
    from pt_kmeans import kmeans as lloyd

    features = check_features(features)
    if not 1 <= num_clusters <= len(features):
        raise ValueError(
            f'num_clusters={num_clusters} must be between 1 and the number of points, '
            f'{len(features)}'
        )
    if centers is not None:
        centers = check_features(centers, 'centers', num_clusters)
        check_width(centers, features.shape[1], 'centers', 'features')
    points = features.to(torch.promote_types(features.dtype, torch.float32))
    _, labels = lloyd(
        points,
        num_clusters,
        max_iters,
        tol=1e-6,
        initial_centers=_drawn(points, num_clusters, seed) if centers is None else centers,
        chunk_size=max(max_distances // num_clusters, features.shape[1]),
        random_seed=seed,
        aggregation_dtype=torch.float64,
    )
    # Rounding may tell copies apart where two centres are equally near. Indexing also copies the
    # library's labels, inference tensors, which cannot be changed in place.
    return labels.to(features.device)[equal_rows(points)]


def _drawn(points: Tensor, num: int, seed: int) -> Tensor:
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))
    return points[order[:num].to(points.device)]
