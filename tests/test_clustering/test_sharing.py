import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from mmrcl.clustering import (
    EuclideanGraph,
    JaccardGraph,
    Ranks,
    choose_radii,
    copies,
    first_neighbor_levels,
    nested_dbscan,
)

from .cases import blobs

GRAPHS = (EuclideanGraph, JaccardGraph)


def clusterings(ranks: Ranks) -> list:
    """Everything that ranks can share, with and without room for edges."""
    results: list = []
    for seed, sizes in enumerate(([40, 3, 20] * 3, [5] * 40 + [1] * 30, [300])):
        points = blobs(sizes, 0.2, dim=12, seed=seed, dtype=torch.float32)
        for make in GRAPHS:
            for max_edges in (0, 1 << 24):
                graph = make(points, ranks=ranks, block_size=32)
                results += nested_dbscan(graph, [0.4, 0.6, 0.8], max_edges=max_edges)
                results.append(choose_radii(graph, [2.0, 4.0], 0.5, max_edges=max_edges)[0])
        for counts in (None, [len(points) // 3, 20]):
            results.append(first_neighbor_levels(points, counts, ranks))
    return results


def one_rank(rank: int, port: int) -> None:
    torch.set_num_threads(1)
    copies._QUERIES = 32  # so that both ranks have some
    dist.init_process_group('gloo', f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
    shared = Ranks.all()
    assert (shared.rank, shared.size) == (rank, 2)
    for found, expected in zip(clusterings(shared), clusterings(Ranks()), strict=True):
        if isinstance(expected, torch.Tensor):
            assert torch.equal(found, expected)
        else:
            assert found == expected
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_ranks_get_what_one_alone_gets():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    mp.spawn(one_rank, (port,), nprocs=2)


def test_every_item_belongs_to_one_rank():
    items = list(range(11))
    shares = [Ranks(rank, 3).share(items) for rank in range(3)]
    assert sorted(sum(shares, [])) == items


def test_alone_without_a_launcher():
    assert Ranks.all().size == 1
