"""Choice of DBSCAN radii for given cluster sizes (``eps='auto'``)."""

from collections.abc import Sequence

import torch

from mmrcl.arguments import check_at_least

from .dbscan import MAX_EDGES, cluster_graph
from .graphs import Graph
from .levels import check_mean_sizes
from .quality import summarize_partition


def choose_radii(
    graph: Graph,
    mean_sizes: Sequence[float],
    max_share: float,
    min_samples: int = 4,
    max_edges: int = MAX_EDGES,
) -> tuple[list[float], Graph]:
    """Find the largest radii whose clusters are no larger than requested.

    Mean cluster size and largest cluster only grow with the radius, so a coarse grid of radii
    brackets each target and a fine grid narrows it down. The edges of as many coarse radii as
    ``max_edges`` allows are listed in one pass and reused for all grids below; larger radii are
    evaluated one after another, only while the clusters are still too small.

    Args:
        graph: over L2-normalised features; all its ranks must call.
        mean_sizes: target mean number of images per cluster, singletons included, ascending, one
            per level.
        max_share: bound on the largest cluster's share of the points at every level.
        min_samples: as in :func:`nested_dbscan`.
        max_edges: as in :func:`nested_dbscan`.

    Returns:
        One radius for each of ``mean_sizes``, ascending, and the graph with the listed edges. Two
        radii may be equal if the bound limits both. If even the smallest radius exceeds the bound,
        that radius is returned.
    """
    check_mean_sizes(mean_sizes)
    check_at_least(max_share, 'max_share', 0)
    check_at_least(min_samples, 'min_samples', 1)
    coarse, affordable = _candidates(graph, min_samples, max_edges)
    reach = coarse[affordable - 1]
    kept = graph.keep(reach, max_edges)

    def measure(radii: Sequence[float]) -> list[tuple[float, float]]:
        traversed = kept if radii[-1] <= reach else graph
        found = cluster_graph(traversed, radii, min_samples).labels
        sizes = [summarize_partition(level) for level in found]
        return [(level.mean_size, level.largest / len(graph.points.of_image)) for level in sizes]

    def fitting(measured: Sequence[tuple[float, float]], size: float) -> int:
        return sum(mean <= size and share <= max_share for mean, share in measured)

    measured = measure(coarse[:affordable])
    while len(measured) < len(coarse) and fitting(measured[-1:], mean_sizes[-1]):
        measured += measure([coarse[len(measured)]])
    chosen = []
    for size in mean_sizes:
        below = fitting(measured, size)
        low = coarse[below - 1] if below else coarse[0] / 2
        high = coarse[min(below, len(coarse) - 1)]
        fine = torch.linspace(low, high, 9, dtype=torch.float64)[:-1].tolist()
        chosen.append(fine[max(fitting(measure(fine), size) - 1, 0)])
    return chosen, kept


def _candidates(graph: Graph, min_samples: int, max_edges: int) -> tuple[list[float], int]:
    """Return coarse radii, and how many of them have few enough edges to list; at least one."""
    radii = graph.candidate_radii(min_samples)
    room = max_edges * graph.ranks.size / 2
    affordable = sum(graph.expected_edges(radius) <= room for radius in radii)
    # Estimates may round differently on each rank, and all ranks must choose the same radii.
    agreed = torch.tensor([*radii, max(affordable, 1)], dtype=torch.float64, device=graph.device)
    graph.ranks.agree_(agreed)
    return agreed[:-1].tolist(), int(agreed[-1])
