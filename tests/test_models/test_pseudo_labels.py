"""Labels of a classifier, and ODC's memories against slow readings of the paper."""

import pytest
import torch
from sklearn.cluster import KMeans
from torch.nn.functional import normalize

from mmrcl.clustering import group_rows
from mmrcl.models import OnlineClusters, PseudoLabels
from mmrcl.models.memories.online_clusters import _second_halves


def test_classes_keep_their_numbers_and_are_counted():
    labels = PseudoLabels(4, num_levels=3, num_samples=6)
    given = torch.tensor([[3, 3, 1, 0, 3, 1], [2, 2, 2, 2, 2, 0]])
    labels.set_labels(given)
    assert torch.equal(labels.labels, given)
    assert labels.sizes.tolist() == [[1, 2, 0, 3], [1, 0, 5, 0]]
    classes = labels.classes_of(torch.tensor([4, 3]))
    assert classes.tolist() == [[3, 0], [2, 2]]
    assert labels.sizes_of(classes).tolist() == [[3, 1], [5, 5]]
    labels.set_labels(given.flip(1))
    assert labels.sizes.tolist() == [[1, 2, 0, 3], [1, 0, 5, 0]]


def test_no_bank_is_kept_unless_it_has_a_width():
    labels = PseudoLabels(4, num_samples=6)
    labels.set_bank(torch.randn(6, 8))
    assert labels.bank.shape == (6, 0)
    kept = PseudoLabels(4, feat_dim=8, num_samples=6)
    kept.set_bank(torch.ones(6, 8))
    assert torch.allclose(kept.bank.norm(dim=1), torch.ones(6))


@pytest.mark.parametrize('wrong', [4, -1])
def test_labels_that_are_no_classes(wrong):
    labels = PseudoLabels(4, num_samples=3)
    with pytest.raises(ValueError, match=r'no classes of model.hierarchy.num_classes=4: set num_'):
        labels.set_labels(torch.tensor([[0, wrong, 1]]))


def test_there_are_no_classes_before_a_clustering():
    with pytest.raises(ValueError, match='add HierarchicalClusteringHook with warmup_epochs=0'):
        PseudoLabels(4, num_samples=3).classes_of(torch.tensor([0]))


def filled(seed: int = 0, min_size: int = 3, labels: torch.Tensor | None = None) -> OnlineClusters:
    memory = OnlineClusters(6, min_size, feat_dim=5, num_samples=60)
    generator = torch.Generator().manual_seed(seed)
    memory.set_bank(torch.randn(60, 5, generator=generator))
    memory.set_labels(torch.arange(60)[None] % 6 if labels is None else labels)
    return memory


def literal_means(bank, labels) -> dict[int, torch.Tensor]:
    members: dict[int, list] = {}
    for row, label in zip(bank.double(), labels.tolist(), strict=True):
        members.setdefault(label, []).append(row)
    return {label: sum(rows) / len(rows) for label, rows in members.items()}


def nearest(feature, centroids: dict[int, torch.Tensor]) -> int:
    return min(centroids, key=lambda label: float((feature.double() - centroids[label]).norm()))


@pytest.mark.parametrize('seed', range(5))
def test_a_step_moves_entries_and_labels_its_images_by_the_nearest_centroids(seed):
    memory = filled(seed)
    bank, labels = memory.bank.clone(), memory.labels[0].clone()
    generator = torch.Generator().manual_seed(seed + 10)
    images = torch.randperm(60, generator=generator)[:16]
    features = normalize(torch.randn(16, 5, generator=generator), dim=1)
    share = memory.relabel(images, features)

    centroids = literal_means(bank, labels)
    for image, feature in zip(images.tolist(), features, strict=True):
        moved = 0.5 * bank[image] + 0.5 * feature
        bank[image] = moved / moved.norm()
        labels[image] = nearest(bank[image], centroids)
    assert torch.allclose(memory.bank, bank, atol=1e-6)
    assert torch.equal(memory.labels[0], labels)
    changed = (labels[images] != images % 6).float().mean()
    assert share.item() == pytest.approx(changed.item())
    assert memory.sizes[0].tolist() == labels.bincount(minlength=6).tolist()
    # The centroids stay until they are updated.
    assert torch.allclose(memory.centroids[0].double(), centroids[0], atol=1e-6)


def test_an_empty_cluster_is_nearest_to_no_image():
    memory = filled(min_size=0)
    memory.labels[0] = torch.arange(60) % 5
    memory._count()
    memory.centroids[5] = memory.bank[7]
    memory.relabel(torch.tensor([7]), memory.bank[7:8].clone())
    assert memory.labels[0, 7] != 5


@pytest.mark.parametrize('seed', range(3))
def test_centroids_become_the_means_of_their_clusters(seed):
    memory = filled(seed)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(2):
        memory.relabel(torch.arange(30), normalize(torch.randn(30, 5, generator=generator), dim=1))
        memory.update_centroids()
        for label, mean in literal_means(memory.bank, memory.labels[0]).items():
            assert torch.allclose(memory.centroids[label].double(), mean, atol=1e-6)


def test_small_clusters_join_the_nearest_and_the_largest_are_split_in_their_place():
    labels = torch.tensor([0] * 30 + [1] * 20 + [2] * 6 + [3] * 2 + [4] * 2)  # and none of 5
    memory = filled(labels=torch.arange(60)[None] % 6)
    bank = memory.bank
    memory.labels[0] = labels
    memory._count()
    memory.update_centroids()

    centroids = literal_means(bank, labels)
    joined = labels.clone()
    for image in range(56, 60):
        joined[image] = nearest(bank[image], {label: centroids[label] for label in (0, 1, 2)})
    found = memory.labels[0]
    # 0 and 1 are split first, then the largest of what these splits left, for three numbers.
    assert memory.sizes[0].min() >= 3
    assert memory.sizes[0].sum() == 60
    untouched = joined == 2
    assert torch.equal(found[untouched], joined[untouched])
    for label in (3, 4, 5):
        origins = joined[found == label].unique()
        assert len(origins) == 1
        assert origins.item() in (0, 1)
    # 3 has the place of the first small cluster, and half of the largest.
    assert joined[found == 3].unique().item() == int(joined.bincount().argmax())
    for label, mean in literal_means(bank, found).items():
        assert torch.allclose(memory.centroids[label].double(), mean, atol=1e-6)


@pytest.mark.parametrize('seed', range(20))
def test_no_cluster_stays_small_whatever_the_labels(seed):
    generator = torch.Generator().manual_seed(seed)
    labels = (torch.rand(60, generator=generator) ** 4 * 6).long()[None]
    if seed == 0:
        labels = torch.full((1, 60), 2)
    memory = filled(seed, 5, labels)
    assert memory.sizes[0].min() >= 5
    assert memory.sizes[0].sum() == 60


def test_copies_of_one_image_are_split_too():
    memory = OnlineClusters(6, 5, feat_dim=5, num_samples=60)
    memory.set_bank(torch.ones(60, 5))
    memory.set_labels(torch.zeros(1, 60, dtype=torch.long))
    assert memory.sizes[0].min() >= 5


@pytest.mark.parametrize('seed', range(10))
def test_halves_are_those_of_kmeans_from_the_farthest_features(seed):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(40, 4, generator=generator)
    keys = torch.randint(2, (40,), generator=generator)
    second = torch.zeros(40, dtype=torch.long)
    second[_second_halves(features, group_rows(keys), 1)] = 1
    for key in range(2):
        points = features[keys == key].double()
        start = int((points - points.mean(0)).norm(dim=1).argmax())
        end = int((points - points[start]).norm(dim=1).argmax())
        reference = KMeans(2, init=points[[start, end]].numpy(), n_init=1, max_iter=10, tol=0)
        expected = torch.from_numpy(reference.fit_predict(points.numpy())).long()
        assert torch.equal(second[keys == key], expected)


@pytest.mark.parametrize(('least', 'sizes'), [(1, (1, 9)), (4, (4, 6)), (5, (5, 5))])
def test_halves_have_the_least_size_and_the_nearest_of_the_larger_one(least, sizes):
    features = torch.cat(
        [torch.tensor([[50.0, 0.0]]), torch.linspace(0, 9, 9)[:, None].repeat(1, 2)]
    )
    second = _second_halves(features, group_rows(torch.zeros(10, dtype=torch.long)), least)
    halves = {frozenset(second.tolist()), frozenset(range(10)) - frozenset(second.tolist())}
    assert sorted(len(half) for half in halves) == sorted(sizes)
    with_outlier = next(half for half in halves if 0 in half)
    order = (features[:, 0]).argsort(descending=True).tolist()
    assert with_outlier <= set(order)


def test_clusters_too_many_for_their_least_size():
    with pytest.raises(ValueError, match='min_size=6 must be at most 5, half the mean size'):
        filled(min_size=6)
    with pytest.raises(ValueError, match='min_size=-1 must be at least 0'):
        filled(min_size=-1)


def test_a_resumed_run_could_split_its_clusters_too():
    """Or the search for large clusters would not end."""
    with pytest.raises(ValueError, match='min_size=6 must be at most 5, half the mean size'):
        OnlineClusters(6, 6, feat_dim=5).load_state_dict(filled().state_dict())


def test_state_travels_with_a_checkpoint():
    source, fresh = filled(), OnlineClusters(6, 3, feat_dim=5)
    source.relabel(torch.arange(9), normalize(torch.randn(9, 5), dim=1))
    fresh.load_state_dict(source.state_dict())
    assert fresh.clustered
    features = normalize(torch.randn(9, 5), dim=1)
    for memory in (source, fresh):
        memory.relabel(torch.arange(5, 14), features)
        memory.update_centroids()
    for name, value in source.state_dict().items():
        assert torch.equal(value, fresh.state_dict()[name]), name
