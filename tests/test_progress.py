import torch

from mmrcl.clustering import EuclideanGraph, nested_dbscan
from mmrcl.progress import progress


def test_long_work_shows_the_time_left(capsys):
    assert list(progress(range(30), 'Counting')) == list(range(30))
    shown = capsys.readouterr().out
    assert shown.startswith('Counting\n')
    assert '30/30' in shown
    assert 'ETA:' in shown


def test_short_work_shows_nothing(capsys):
    assert list(progress(range(20), 'Counting')) == list(range(20))
    assert capsys.readouterr().out == ''


def test_work_that_stops_early_ends_its_line(capsys):
    for _ in progress(range(30), 'Counting'):
        break
    assert capsys.readouterr().out.endswith('\n')


def test_clustering_shows_its_blocks(capsys):
    points = torch.nn.functional.normalize(torch.randn(300, 8), dim=1)
    nested_dbscan(EuclideanGraph(points, progress=progress, block_size=30), [0.2])
    shown = capsys.readouterr().out
    assert 'Comparing images\n' in shown
    assert '55/55' in shown
