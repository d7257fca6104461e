import numpy as np
import pytest
import torch
from PIL import Image
from threadpoolctl import threadpool_limits

from mmrcl.visualization import embedding, plot_tsne


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were about to be written."""
    figures = []
    monkeypatch.setattr(embedding, 'save', lambda figure, path: figures.append(figure))
    return figures


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine the threads of a small t-SNE mostly wait for each other."""
    with threadpool_limits(1):
        yield


def blobs(n: int = 60, classes: int = 3):
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % classes
    return torch.eye(classes)[labels] * 5 + torch.randn(n, classes, generator=generator), labels


def points(axes) -> list[np.ndarray]:
    return [np.asarray(collection.get_offsets()) for collection in axes.collections]


def test_one_panel_an_encoder_and_one_cloud_a_class(drawn):
    features, labels = blobs()
    plot_tsne({'pixels': features, 'RCL': features + 1}, labels, 'abc', 'tsne.png')
    assert [axes.get_title() for axes in drawn[0].axes] == ['pixels', 'RCL']
    for axes in drawn[0].axes:
        assert [len(cloud) for cloud in points(axes)] == [20, 20, 20]
        assert [text.get_text() for text in axes.texts] == ['a', 'b', 'c']
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ['a', 'b', 'c']


@pytest.mark.parametrize('max_samples', [60, 45])
def test_separate_classes_stay_separate(drawn, max_samples):
    features, labels = blobs()
    plot_tsne({'RCL': features}, labels, 'abc', 'tsne.png', max_samples)
    clouds = points(drawn[0].axes[0])
    centres = np.stack([cloud.mean(axis=0) for cloud in clouds])
    for own, cloud in enumerate(clouds):
        distance = np.linalg.norm(cloud[:, None] - centres, axis=2)
        assert (distance.argmin(axis=1) == own).mean() > 0.9


def test_same_seed_same_figure_and_a_large_set_is_thinned(drawn):
    features, labels = blobs()
    for seed in (0, 0, 1):
        plot_tsne({'RCL': features}, labels, 'abc', 'tsne.png', max_samples=30, seed=seed)
    first, again, other = (np.concatenate(points(figure.axes[0])) for figure in drawn)
    assert len(first) == 30
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_length_of_features_does_not_matter(drawn):
    features, labels = blobs()
    length = torch.arange(1, 61)[:, None]
    for scaled in (features, features * 2.0 ** length.remainder(5)):
        plot_tsne({'RCL': scaled}, labels, 'abc', 'tsne.png')
    first, second = (np.concatenate(points(figure.axes[0])) for figure in drawn)
    np.testing.assert_allclose(first, second, atol=1e-3)


def test_classes_differ_by_colour_and_marker():
    styles = [embedding._color_and_marker(label) for label in range(70)]
    assert len(set(styles)) == 70
    for (color, marker), (next_color, next_marker) in zip(styles, styles[1:], strict=False):
        assert color != next_color and marker != next_marker


def test_a_file_is_written_for_a_tiny_set_too(tmp_path):
    features, labels = blobs(n=6)
    path = plot_tsne({'RCL': features}, labels, 'abc', tmp_path / 'tsne.png')
    with Image.open(path) as image:
        assert image.format == 'PNG'
