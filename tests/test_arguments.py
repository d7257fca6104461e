"""Public functions refuse values that they cannot use, and take NumPy arrays as tensors."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

import mmrcl
from mmrcl import apis, clustering, datasets, evaluation, features, visualization
from mmrcl.arguments import check_features, check_labels

X = torch.randn(24, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(24) % 3
LEVELS = torch.stack([Y, torch.zeros_like(Y)])
ONE = [evaluation.Setting(0.1, 0.0)]
EPOCH = evaluation.Schedule(epochs=1, batch_size=8)


class Case(NamedTuple):
    """A call: arguments by name, which are features (N, d), and which are labels."""

    call: Callable[..., Any]
    features: dict[str, Tensor]
    labels: dict[str, Tensor]


def source(make):
    return lambda features: make()(features)


def graph(make):
    return lambda features: clustering.nested_dbscan(make(features), [0.5])


def hierarchy(labels):
    found = clustering.LabelHierarchy(3, 6, 24)
    found.set_labels(labels)
    return found.labels


def bank(features):
    found = clustering.LabelHierarchy(3, 6, 24)
    found.set_bank(features)
    return found.bank


def probe(features):
    return evaluation.LinearProbe(X[:3], torch.zeros(3)).predict(features)


def by_representation(function):
    def call(train_features, test_features, train_labels):
        found = function(train_features, train_labels, test_features, label_shares=[100])
        return [each.classes for each in found]

    return call


def score(train_features, test_features, train_labels, test_labels):
    return evaluation.evaluate_representation(
        train_features, train_labels, test_features, test_labels, [100]
    )


def write_classes(path, classes):
    written = evaluation.write_predictions(
        path / 'predictions.npz', [evaluation.Prediction('kNN', 100, 0, Y)], classes
    )
    return evaluation.read_correct(written)


def write_predicted(path, predictions):
    written = evaluation.write_predictions(
        path / 'predictions.npz', [evaluation.Prediction('kNN', 100, 0, predictions)], Y
    )
    return evaluation.read_correct(written)


def by_probe(function):
    def call(train, test):
        classes = [str(label) for label in Y.tolist()]
        names = [str(number) for number in range(24)]
        return function(apis.Features(train, names, classes), apis.Features(test, names, classes))

    return call


def page(path, labels, features, classes):
    return visualization.write_report(path / 'page.html', labels, IMAGES, features, classes)


def gallery(path, labels, classes):
    return visualization.plot_cluster_gallery(IMAGES, labels, path / 'gallery.png', classes)


def embedding(path, features, labels):
    return visualization.plot_tsne({'features': features}, labels, 'abc', path / 'tsne.png')


def distributions(**arrays):
    return len(visualization.draw_pair_distributions(**arrays).axes)


IMAGES = np.zeros((24, 8, 8), np.uint8)
K, E, V = clustering, evaluation, visualization
CASES = {
    'canonical_labels': Case(K.canonical_labels, {}, dict(labels=Y)),
    'churn': Case(K.churn, {}, dict(before=Y, after=Y)),
    'contingency': Case(K.contingency, {}, dict(first=Y, second=Y)),
    'balanced_order': Case(K.balanced_order, {}, dict(labels=LEVELS)),
    'company_level': Case(K.company_level, {}, dict(labels=LEVELS)),
    'cosine_to_mean': Case(K.cosine_to_mean, dict(features=X), dict(labels=Y)),
    'near_duplicates': Case(
        lambda features: K.near_duplicates(features, 0.9), dict(features=X), {}
    ),
    'neighbor_similarity': Case(K.neighbor_similarity, dict(features=X), {}),
    'representatives': Case(K.representatives, dict(features=X), dict(labels=Y)),
    'kmeans': Case(lambda features: K.kmeans(features, 4), dict(features=X), {}),
    'majority': Case(K.majority, {}, dict(keys=Y, values=Y)),
    'nesting_conformity': Case(K.nesting_conformity, {}, dict(labels=LEVELS)),
    'summarize_partition': Case(K.summarize_partition, {}, dict(labels=Y)),
    'warn_of_percolation': Case(
        lambda labels: K.warn_of_percolation(labels, 1.0, 'here', 'nothing'), {}, dict(labels=Y)
    ),
    'warn_of_equal_levels': Case(K.warn_of_equal_levels, {}, dict(labels=LEVELS)),
    'warn_of_missed_sizes': Case(
        lambda labels: K.warn_of_missed_sizes(labels, [8, 24], 'nothing'), {}, dict(labels=LEVELS)
    ),
    'EuclideanGraph': Case(graph(K.EuclideanGraph), dict(features=X), {}),
    'JaccardGraph': Case(graph(K.JaccardGraph), dict(features=X), {}),
    'DBSCANSource': Case(source(K.DBSCANSource), dict(features=X), {}),
    'FirstNeighborSource': Case(source(K.FirstNeighborSource), dict(features=X), {}),
    'first_neighbor_levels': Case(K.first_neighbor_levels, dict(features=X), {}),
    'KMeansSource': Case(source(lambda: K.KMeansSource([4])), dict(features=X), {}),
    'HierarchicalKMeansSource': Case(
        source(lambda: K.HierarchicalKMeansSource([4, 2])), dict(features=X), {}
    ),
    'SinkhornSource': Case(source(K.SinkhornSource), dict(features=X), {}),
    'ClassSource': Case(lambda classes: K.ClassSource(3)(X, classes), {}, dict(classes=Y)),
    'LabelHierarchy': Case(hierarchy, {}, dict(labels=LEVELS)),
    'LabelHierarchy.set_bank': Case(bank, dict(features=X), {}),
    'knn_predict': Case(E.knn_predict, dict(train_features=X, features=X), dict(train_labels=Y)),
    'accuracy': Case(E.accuracy, {}, dict(predictions=Y, labels=Y)),
    'adjusted_mutual_info': Case(E.adjusted_mutual_info, {}, dict(labels=Y, classes=Y)),
    'agreement': Case(E.agreement, {}, dict(labels=Y, classes=Y)),
    'cluster_table': Case(E.cluster_table, {}, dict(labels=Y, classes=Y)),
    'purity': Case(E.purity, {}, dict(labels=Y, classes=Y)),
    'same_cluster_precision': Case(E.same_cluster_precision, {}, dict(labels=Y, classes=Y)),
    'LinearProbe': Case(probe, dict(features=X), {}),
    'fit_linear_probe': Case(
        lambda features, labels: vars(E.fit_linear_probe(features, labels, 3, max_iter=3)),
        dict(features=X),
        dict(labels=Y),
    ),
    'fit_linear_probes': Case(
        lambda features, labels: vars(E.fit_linear_probes(features, labels, 3, ONE, EPOCH)[0]),
        dict(features=X),
        dict(labels=Y),
    ),
    'sweep_linear_probes': Case(
        lambda features, labels: E.sweep_linear_probes(features, labels, 3, ONE, EPOCH).losses,
        dict(features=X),
        dict(labels=Y),
    ),
    'predict_by_representation': Case(
        by_representation(E.predict_by_representation),
        dict(train_features=X, test_features=X),
        dict(train_labels=Y),
    ),
    'evaluate_representation': Case(
        score, dict(train_features=X, test_features=X), dict(train_labels=Y, test_labels=Y)
    ),
    'stratified_subset': Case(
        lambda labels: datasets.stratified_subset(labels, 0.5), {}, {'labels': Y}
    ),
    'balanced_subset': Case(
        lambda features: apis.balanced_subset(features, 9), dict(features=X), {}
    ),
    'find_duplicates': Case(apis.find_duplicates, dict(features=X), {}),
    'find_outliers': Case(apis.find_outliers, dict(features=X), {}),
    'build_hierarchy': Case(
        lambda vectors: apis.build_hierarchy(vectors).labels, {'vectors': X}, {}
    ),
    'knn_accuracy': Case(by_probe(apis.knn_accuracy), dict(train=X, test=X), {}),
    'linear_accuracy': Case(by_probe(apis.linear_accuracy), dict(train=X, test=X), {}),
    'score_predictions': Case(
        lambda labels: E.score_predictions([E.Prediction('kNN', 100, 0, Y)], labels),
        {},
        dict(labels=Y),
    ),
    'write_predictions': Case(write_classes, {}, dict(classes=Y)),
    'write_predictions.predictions': Case(write_predicted, {}, dict(predictions=Y)),
    'image_test': Case(E.image_test, dict(first=X, second=X.flip(0)), {}),
    'plot_tsne': Case(embedding, dict(features=X), dict(labels=Y)),
    'plot_cluster_gallery': Case(gallery, {}, dict(labels=LEVELS, classes=Y)),
    'write_report': Case(page, dict(features=X), dict(labels=LEVELS, classes=Y)),
    'choose_clusters': Case(lambda labels: V.choose_clusters(labels, 5), {}, dict(labels=LEVELS)),
}

# Lists of numbers, by their dimensions, and histograms.
NUMBERS = {
    'mean_error': Case(E.mean_error, dict(values=X[0]), {}),
    'headroom_share': Case(E.headroom_share, dict(arm=X[0], lower=X[1], upper=X[2]), {}),
    'draw_pair_distributions': Case(
        distributions,
        dict(
            probability_edges=torch.tensor([0.1, 0.5, 1.0]),
            probabilities=torch.ones(3, 2),
            eta_edges=torch.tensor([-1.0, 0.0, 1.0]),
            etas=torch.ones(3, 2),
        ),
        {},
    ),
}

# Functions without features or labels; graphs, which check them; measures that are NaN for NaN; and
# those of each iteration, which do not look at values: PairTally.add, density_peaks,
# nearest_neighbors, isolated_pair_score, pooled, propagation_*, segment_*, group_rows.
OTHERS = {
    clustering: """ClusteringSource Contingency Groups HierarchyRefiner LevelChange LevelWarning
        Majority NestedPartition PartitionSummary PercolationWarning Progress Ranks choose_radii
        density_peaks group_rows isolated_pair_score mean_by_index nearest_neighbors nested_dbscan
        paired_cosines propagation_kernel propagation_score segment_mean segment_sum silent""",
    evaluation: """Agreement ClusterTable Correct METRICS MeanError PairTally Prediction Result
        Schedule Score Setting Sweep effective_rank format_results format_table mean_deviation
        read_correct write_results_csv""",
    visualization: """COLORS Instances LocalVisBackend MARKERS Retrieved SIDE TensorboardVisBackend
        WandbVisBackend as_image import_pyarrow light_axes plot_curves plot_detections
        plot_hierarchy_curves read_run read_scalars save thumbnail""",
    features: """ClusteringInput EncoderFeatures Extracted FeatureSource FileFeatures HOGFeatures
        OWN_SPACES SPACES build_backbone build_preprocessor class_hierarchy_of classes_of eval_mode
        extract extract_clustering_input extract_representation load_backbone map_array naming_sizes
        normalize_rows_ pooled recorded_config resumable unwrapped with_coarser""",
    datasets: """CustomDataset Digits EpochsBatchSampler EvenlySpacedSampler Glyphs
        HuggingFaceBackend HuggingFaceDataset ImageFolder ImageHeader ImageNet ImageNet21k
        LoadImageFromFile MAX_PIXELS PartlyLabeled PartlyLabeledSampler RandomResizedCrops
        ResumableSampler SampleKey SeededDataset TarBackend TarShards UnreadableImageError WHITE
        balanced_share check_same_classes class_names compare_classes guard_loaders guarded
        read_header read_image seed_all""",
    apis: """DEFAULT_FORMATS Duplicates EXPORT_FORMATS Encoder Features Outliers Subset
        check_evaluation check_files check_new_files check_outside check_unused cluster_features
        config_of embed_folder export_encoder extract_features get_config get_model image_files
        list_models load_encoder pretrain save_clusters split_features wrap_encoder
        write_folder_page write_hierarchy_page""",
    mmrcl: """Encoder Features __version__ cluster_features embed_folder export_encoder
        extract_features get_config get_model list_models load_encoder pretrain save_clusters
        split_features wrap_encoder write_folder_page write_hierarchy_page""",
}


@pytest.mark.parametrize('package', OTHERS, ids=lambda package: package.__name__)
def test_every_export_is_in_the_table(package):
    assert set(package.__all__) - set(CASES) - set(NUMBERS) == set(OTHERS[package].split())


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Call a case, with some arguments changed; those that write get a folder."""

    def call(case: Case, **changed: Any) -> Any:
        writes = 'path' in getattr(case.call, '__code__', call.__code__).co_varnames[:1]
        where = dict(path=tmp_path) if writes else {}
        return case.call(**where, **(case.features | case.labels | changed))

    return call


def plain(found: Any) -> Any:
    if isinstance(found, (Tensor, np.ndarray)):
        return found.tolist()
    if isinstance(found, dict):
        return {name: plain(part) for name, part in found.items()}
    return [plain(part) for part in found] if isinstance(found, (list, tuple)) else found


def with_value(rows: Tensor, value: float) -> Tensor:
    out = rows.clone()
    out[5] = value
    return out


FAULTS = {
    'nan': lambda x: with_value(x, float('nan')),
    'inf': lambda x: with_value(x, float('inf')),
    'empty': lambda x: x[:0],
    'dimensions': lambda x: x[0],
    'type': lambda x: 'features',
    'object array': lambda x: np.array([None, 'a']),
}
NUMBER_FAULTS = {
    'nan': lambda x: x.where(x != x.flatten()[0], torch.nan),
    'inf': lambda x: x.where(x != x.flatten()[0], torch.inf),
    'empty': lambda x: x[:0],
    'dimensions': lambda x: x[None],
    'type': lambda x: 'numbers',
    'object array': lambda x: np.array([None, 'a']),
}
LABEL_FAULTS = {
    'fractions': lambda y: y + 0.5,
    'type': lambda y: 'labels',
    'object array': lambda y: np.array([None, 'a']),
}
needs_kmeans = pytest.mark.skipif(sys.version_info < (3, 11), reason='pt_kmeans needs 3.11')
MARKS = dict.fromkeys([name for name in CASES if 'means' in name.lower()], needs_kmeans)
MARKS['plot_tsne'] = pytest.mark.slow
NAMES = [pytest.param(name, marks=MARKS.get(name, ())) for name in CASES | NUMBERS]


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.filterwarnings('ignore')
def test_numpy_arrays_are_taken_as_tensors(name, run):
    case = (CASES | NUMBERS)[name]
    arrays = {key: value.numpy() for key, value in (case.features | case.labels).items()}
    assert plain(run(case, **arrays)) == plain(run(case))


@pytest.mark.parametrize('fault', FAULTS)
@pytest.mark.parametrize('name', [name for name in CASES if CASES[name].features])
def test_features_that_cannot_be_used_are_named(name, fault, run):
    for argument, value in CASES[name].features.items():
        with pytest.raises((TypeError, ValueError), match=argument):
            run(CASES[name], **{argument: FAULTS[fault](value)})


@pytest.mark.parametrize('fault', NUMBER_FAULTS)
@pytest.mark.parametrize('name', NUMBERS)
def test_numbers_that_cannot_be_used_are_named(name, fault, run):
    for argument, value in NUMBERS[name].features.items():
        with pytest.raises((TypeError, ValueError), match=argument):
            run(NUMBERS[name], **{argument: NUMBER_FAULTS[fault](value)})


@pytest.mark.parametrize(
    'image', [np.zeros((8, 8)), np.zeros(8, np.uint8), np.zeros((8, 0), np.uint8), X, 'image']
)
def test_thumbnails_name_what_is_no_image(image):
    with pytest.raises(ValueError, match='pass uint8, gray'):
        visualization.thumbnail(image, 4)


@pytest.mark.parametrize('fault', LABEL_FAULTS)
@pytest.mark.parametrize('name', [name for name in CASES if CASES[name].labels])
def test_labels_that_cannot_be_used_are_named(name, fault, run):
    for argument, value in CASES[name].labels.items():
        with pytest.raises((TypeError, ValueError), match=argument):
            run(CASES[name], **{argument: LABEL_FAULTS[fault](value)})


OTHER_IMAGES = r'rows, but there are \d+ images|both be of shape|do not fit labels of \d+ images'
SEVERAL = [name for name, case in CASES.items() if len(case.features | case.labels) > 1]


@pytest.mark.parametrize('name', SEVERAL)
def test_labels_of_other_images_are_named(name, run):
    case = CASES[name]
    for argument in case.labels:
        with pytest.raises(ValueError, match=OTHER_IMAGES):
            run(case, **{argument: case.labels[argument][..., :-1]})


def test_the_first_row_and_their_number_are_said():
    with pytest.raises(ValueError, match='keys: 2 of 24 rows have NaN or Inf, the first is row 5'):
        check_features(with_value(with_value(X, float('nan')).flip(0), float('inf')), 'keys')
    with pytest.raises(ValueError, match='row 3 has -1'):
        check_labels(np.array([0, 1, 2, -1]), least=0)


def test_rows_of_zeros_pass():
    """Unreadable images have them."""
    rows = torch.cat([X, torch.zeros(3, 6)])
    assert apis.build_hierarchy(rows).labels.shape == (2, 27)
    assert len(evaluation.knn_predict(X, Y, rows)) == 27


@pytest.mark.parametrize('k', [0, 25])
def test_nearest_neighbors_name_a_wrong_count(k):
    with pytest.raises(ValueError, match=f'k={k} must be between 1 and'):
        clustering.nearest_neighbors(X, X, k)
