import pytest
import torch
from torch.nn.functional import normalize

from mmrcl.clustering import LabelHierarchy
from mmrcl.models import (
    ClusterRetriever,
    LevelRetriever,
    NearestRetriever,
    SameImageRetriever,
    SupportQueue,
)
from mmrcl.models.retrievers import RetrievalInput
from mmrcl.models.retrievers.label_matching import Labeled, draw_match, nearest_match

NUM = 40


def given_of(seed: int, length: int = 25, filled: int = 20) -> RetrievalInput:
    generator = torch.Generator().manual_seed(seed)

    def unit(count):
        return normalize(torch.randn(count, 6, generator=generator), dim=1)

    hierarchy = LabelHierarchy(3, 6, NUM)
    fine = torch.randint(12, (NUM,), generator=generator)
    coarse = torch.randint(5, (12,), generator=generator)[fine]
    hierarchy.set_labels(torch.stack([fine, coarse]))
    hierarchy.set_bank(unit(NUM))
    queue = SupportQueue(length, 6)
    queue.enqueue(unit(filled), torch.randint(NUM, (filled,), generator=generator))
    indices = torch.randperm(NUM, generator=generator)[:10]
    return RetrievalInput(unit(10), indices, queue, hierarchy)


def fitting(given: RetrievalInput, kind: str, gallery: str) -> list[list[set[int]]]:
    """Positions in the gallery that fit each query, for each key, by plain comparison."""
    labels = given.hierarchy.labels_of(torch.arange(NUM)).tolist()
    stored = given.queue.indices.tolist() if gallery == 'queue' else list(range(NUM))
    steps = {'nearest': [None], 'cluster': [(2, 0)], 'level': [(1, 0), (2, 1)]}[kind]
    return [
        [
            {
                place
                for place, image in enumerate(stored)
                if image >= 0
                and image != query
                and (
                    step is None
                    or labels[step[0]][image] == labels[step[0]][query]
                    and labels[step[1]][image] != labels[step[1]][query]
                )
            }
            for step in steps
        ]
        for query in given.indices.tolist()
    ]


@pytest.mark.parametrize('gallery', ['queue', 'bank'])
@pytest.mark.parametrize('kind', ['nearest', 'cluster', 'level'])
@pytest.mark.parametrize('seed', range(6))
def test_nearest_key_that_fits(kind, gallery, seed):
    given = given_of(seed)
    retriever = {
        'nearest': lambda: NearestRetriever(gallery),
        'cluster': lambda: ClusterRetriever('nearest', gallery),
        'level': lambda: LevelRetriever('nearest', gallery),
    }[kind]()
    keys = retriever(given)
    entries = given.queue.features if gallery == 'queue' else given.hierarchy.bank
    stored = given.queue.indices if gallery == 'queue' else torch.arange(NUM)
    for n, places in enumerate(fitting(given, kind, gallery)):
        for r, allowed in enumerate(places):
            assert keys.found[n, r] == bool(allowed)
            assert keys.in_queue[n, r] == (bool(allowed) and gallery == 'queue')
            if allowed:
                best = max(
                    allowed, key=lambda place, n=n: float(given.same_image[n] @ entries[place])
                )
                assert torch.equal(keys.features[n, r], entries[best])
                assert keys.indices[n, r] == stored[best]
            else:
                assert torch.equal(keys.features[n, r], given.same_image[n])
                assert keys.indices[n, r] == given.indices[n]


@pytest.mark.parametrize('gallery', ['queue', 'bank'])
@pytest.mark.parametrize('kind', ['cluster', 'level'])
def test_random_key_is_one_of_those_that_fit(kind, gallery):
    given = given_of(3)
    retriever = (ClusterRetriever if kind == 'cluster' else LevelRetriever)('random', gallery)
    stored = given.queue.indices if gallery == 'queue' else torch.arange(NUM)
    places = fitting(given, kind, gallery)
    seen = [[set() for _ in row] for row in places]
    for _ in range(300):
        keys = retriever(given)
        for n, row in enumerate(places):
            for r in range(len(row)):
                seen[n][r].add(int(keys.indices[n, r]))
    for n, row in enumerate(places):
        for r, allowed in enumerate(row):
            images = {int(stored[place]) for place in allowed} or {int(given.indices[n])}
            assert seen[n][r] == images


def test_draw_is_even():
    torch.manual_seed(0)
    queries = Labeled(torch.zeros(8000, dtype=torch.long), torch.full((8000,), 2))
    gallery = Labeled(torch.tensor([0, 0, 0, 1, -1, 0]), torch.tensor([2, 3, 1, 3, 5, 3]))
    places, found = draw_match(queries, gallery)
    assert found.all()
    counts = torch.bincount(places, minlength=6)
    assert counts[[0, 3, 4]].sum() == 0
    assert (counts[[1, 2, 5]] / 8000 - 1 / 3).abs().max() < 0.02


@pytest.mark.parametrize('block', [1, 4, 100])
def test_nearest_does_not_depend_on_blocks(block):
    given = given_of(0)
    queries = Labeled(torch.zeros(10, dtype=torch.long), given.indices)
    gallery = Labeled(torch.zeros(25, dtype=torch.long), given.queue.indices)
    found = nearest_match(queries, gallery, given.same_image, given.queue.features, block)
    whole = nearest_match(queries, gallery, given.same_image, given.queue.features)
    assert torch.equal(found[0], whole[0])


def test_same_image():
    given = given_of(0)
    keys = SameImageRetriever()(given)
    assert torch.equal(keys.features[:, 0], given.same_image)
    assert torch.equal(keys.indices[:, 0], given.indices)
    assert keys.found.all()
    assert not keys.in_queue.any()


@pytest.mark.parametrize('gallery', ['queue', 'bank'])
@pytest.mark.parametrize('make', [ClusterRetriever, LevelRetriever])
def test_before_clustering_every_retriever_falls_back(make, gallery):
    given = given_of(0)
    given.hierarchy.allocate(NUM)
    keys = make('nearest', gallery)(given)
    assert not keys.found.any()
    assert torch.equal(keys.features[:, 0], given.same_image)
    assert not NearestRetriever('bank')(given).found.any()


@pytest.mark.parametrize('select', ['nearest', 'random'])
def test_entries_of_the_bank_that_no_step_filled_are_not_retrieved(select):
    """Without a warm-up, images have labels before they have keys."""
    given = given_of(3)
    given.hierarchy.bank[: NUM // 2] = 0
    given.same_image.neg_()  # far from many entries, farther than from zeros
    for retriever in (ClusterRetriever(select, 'bank'), NearestRetriever('bank')):
        keys = retriever(given)
        assert keys.found.any()
        assert (keys.indices[keys.found] >= NUM // 2).all()


def test_wrong_settings_are_named():
    with pytest.raises(ValueError, match="select='closest'"):
        ClusterRetriever(select='closest')
    with pytest.raises(ValueError, match="gallery='memory'"):
        NearestRetriever(gallery='memory')
