"""K-means of the paper's offline criteria (Table 4), run by the library pt_kmeans."""

from importlib.util import find_spec

import torch
from torch import Tensor


def require_kmeans() -> None:
    """Raises ImportError, with the remedy, if K-means cannot run here."""
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
    """Assigns each point to the nearest of ``num_clusters`` centres by Lloyd's iterations.

    Centres start at points drawn from ``seed``, the same ones on every device. One that loses all
    its points moves to a point drawn at random, so that a label without points is left only where
    points coincide or the last iteration emptied it. Stops when the centres rest.

    Distances are those of a chunk of points to all centres: ``max_distances`` at most, or as many
    as the centres have numbers if that is more, since each chunk squares all centres anew. Half
    precision is computed in float32; centres are summed in float64, so that the order of additions
    on a GPU hardly shows.

    Args:
        features: shape (N, d).
        num_clusters: number of centres, 1..N.
        seed: of all draws.
        max_iters: bound on the iterations.
        centers: first centres instead of drawn ones, shape (num_clusters, d).
        max_distances: distances at a time.

    Returns:
        Labels in 0..num_clusters - 1, shape (N,), on the device of the features.

    Raises:
        ImportError: without pt_kmeans.
        ValueError: for more clusters than points.
    """
    require_kmeans()
    from pt_kmeans import kmeans as lloyd

    if not 1 <= num_clusters <= len(features):
        raise ValueError(
            f'num_clusters={num_clusters} must be between 1 and the number of points, '
            f'{len(features)}'
        )
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
    # The library's labels are inference tensors, which nobody may change in place.
    return labels.to(features.device, copy=True)


def _drawn(points: Tensor, num: int, seed: int) -> Tensor:
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))
    return points[order[:num].to(points.device)]
