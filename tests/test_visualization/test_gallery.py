from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmrcl.visualization import gallery, plot_cluster_gallery

FINE = [0, 0, 1, 1, 1, 2, 3, 3]
COARSE = [7, 7, 7, 7, 7, 4, 4, 4]
CLASSES = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1])


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were about to be written."""
    figures = []
    monkeypatch.setattr(gallery, 'save', lambda figure, path: figures.append(figure))
    return figures


def gray_images(count: int = 8) -> np.ndarray:
    """Images that are told apart by their value."""
    return (
        np.full((count, 6, 5), 1, dtype=np.uint8) * np.arange(count, dtype=np.uint8)[:, None, None]
    )


def shown(column) -> list[list[int]]:
    """The images of each row of a level, by their value."""
    return [[int(im.get_array().flat[0]) for im in axes.images] for axes in column.axes]


def test_rows_are_clusters_by_size_and_their_largest_parts(drawn):
    plot_cluster_gallery(gray_images(), torch.tensor([FINE, COARSE]), 'g.png', clusters_per_level=4)
    coarse, fine = drawn[0].subfigs
    assert shown(coarse) == [[0, 1, 2, 3, 4], [5, 6, 7], [], []]
    assert shown(fine) == [[2, 3, 4], [6, 7], [], []]
    assert fine.get_suptitle() == 'level 2 (fine)\n3 clusters, 1 single images'
    assert coarse.get_suptitle() == 'level 3 (coarse)\n2 clusters, 0 single images'


def test_rows_and_images_are_limited(drawn):
    labels = torch.tensor([FINE])
    plot_cluster_gallery(gray_images(), labels, 'g.png', clusters_per_level=1, images_per_cluster=2)
    (column,) = drawn[0].subfigs
    assert shown(column) == [[2, 3]]
    assert column.axes[0].get_title(loc='left') == '3 images'
    assert column.get_suptitle().startswith('level 2\n')


def test_true_classes_give_purity_and_frames(drawn):
    plot_cluster_gallery(
        gray_images(),
        torch.tensor([COARSE]),
        'g.png',
        CLASSES,
        ['cat', 'dog'],
        images_per_cluster=4,
    )
    rows = drawn[0].subfigs[0].axes
    headings = [axes.get_title(loc='left') for axes in rows[:2]]
    assert headings == ['5 images, 60% of class cat', '3 images, 100% of class dog']
    assert [patch.get_x() for patch in rows[0].patches] == [3]
    assert not rows[1].patches
    assert drawn[0].get_supxlabel().startswith('Framed: images of another class than')


@given(st.integers(0, 2**16))
def test_a_row_leads_from_a_cluster_to_the_largest_part_of_each_level(seed):
    generator = torch.Generator().manual_seed(seed)
    fine = torch.randint(0, 20, (40,), generator=generator)
    middle = torch.randint(0, 8, (20,), generator=generator)[fine]
    coarse = torch.randint(0, 3, (8,), generator=generator)[middle]
    levels = torch.stack([coarse, middle, fine]).numpy()
    for row in gallery._nested_rows(levels, 3):
        for outer, inner, level in zip(row, row[1:], levels[1:], strict=False):
            sizes = Counter(level[outer].tolist())
            assert len(inner) == max(sizes.values())
            assert set(inner) <= set(outer) and len(set(level[inner])) == 1


def test_gray_and_colour_images_keep_their_values(drawn):
    gray = np.array([[[0, 255]], [[128, 64]]], dtype=np.uint8)
    colour = np.array([[[[255, 0, 0]]], [[[0, 0, 255]]]], dtype=np.uint8)
    for images in (gray, colour):
        plot_cluster_gallery(images, torch.zeros(1, 2, dtype=torch.long), 'g.png')
    gray_row, colour_row = (figure.subfigs[0].axes[0].images for figure in drawn)
    assert gray_row[1].to_rgba(gray_row[1].get_array(), bytes=True)[0, :, :3].tolist() == [
        [128] * 3,
        [64] * 3,
    ]
    assert colour_row[0].get_array()[0, 0].tolist() == [255, 0, 0]


def test_names_of_levels_can_be_given(drawn):
    labels = torch.tensor([FINE, COARSE])
    plot_cluster_gallery(gray_images(), labels, 'g.png', level_names=['2 of 3', '3 of 3'])
    assert [c.get_suptitle().splitlines()[0] for c in drawn[0].subfigs] == ['3 of 3', '2 of 3']


def test_a_file_is_written_even_where_all_images_are_single(tmp_path):
    labels = torch.arange(8)[None]
    path = plot_cluster_gallery(gray_images(), labels, tmp_path / 'new' / 'g.png', CLASSES)
    with Image.open(path) as image:
        assert image.format == 'PNG'
