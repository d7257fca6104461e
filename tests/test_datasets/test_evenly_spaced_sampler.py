import pytest

from mmrcl.datasets import EvenlySpacedSampler, evenly_spaced_sampler


def samples(monkeypatch, size, num_samples, rank=0, processes=1):
    monkeypatch.setattr(evenly_spaced_sampler, 'get_dist_info', lambda: (rank, processes))
    sampler = EvenlySpacedSampler(range(size), num_samples)
    found = list(sampler)
    assert len(found) == len(sampler)
    assert found == list(sampler)
    return found


def test_images_are_evenly_spaced(monkeypatch):
    assert samples(monkeypatch, 100, 5) == [0, 20, 40, 60, 80]
    assert samples(monkeypatch, 10, 4) == [0, 2, 5, 7]


def test_a_small_data_set_is_taken_whole(monkeypatch):
    assert samples(monkeypatch, 7, 1000) == list(range(7))


def test_ranks_share_the_images(monkeypatch):
    whole = samples(monkeypatch, 1000, 60)
    shares = [samples(monkeypatch, 1000, 60, rank, 3) for rank in range(3)]
    assert sorted(sum(shares, [])) == whole
    assert {len(samples(monkeypatch, 1000, 61, rank, 3)) for rank in range(3)} == {20}


def test_every_rank_needs_an_image(monkeypatch):
    with pytest.raises(ValueError, match='leaves none for some of 3 processes'):
        samples(monkeypatch, 1000, 2, 0, 3)
    with pytest.raises(ValueError, match='num_samples=0 of 5 images'):
        samples(monkeypatch, 5, 0)
