import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from mmrcl.visualization import Instances, detections, plot_detections
from mmrcl.visualization.style import COLORS

BLACK = np.zeros((6, 8), dtype=np.uint8)


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were about to be written."""
    figures = []
    monkeypatch.setattr(detections, 'save', lambda figure, path: figures.append(figure))
    return figures


def two_objects(scores: list[float] | None = None) -> Instances:
    masks = np.zeros((2, 6, 8), dtype=bool)
    masks[0, 1:4, 2:5] = True
    masks[1, 2:4, 4:7] = True
    boxes = np.array([[2, 1, 5, 4], [4, 2, 7, 4]])
    return Instances(np.array([3, 1]), boxes, masks, None if scores is None else np.array(scores))


def captions(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_a_row_for_each_name_and_a_column_for_each_image(drawn):
    rows = {'truth': [two_objects()] * 3, 'found': [two_objects([0.6, 0.9])] * 3}
    plot_detections([BLACK] * 3, rows, 'abcd', 'd.png')
    axes = drawn[0].axes
    assert [panel.get_ylabel() for panel in axes] == ['truth', '', '', 'found', '', '']
    assert captions(axes[0]) == ['d', 'b']
    assert captions(axes[3]) == ['d 0.60', 'b 0.90']
    corners = [
        (*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in axes[0].patches
    ]
    assert corners == [(2, 1, 3, 3), (4, 2, 3, 2)]


def test_the_surest_lies_on_top_and_the_unsure_are_left_out(drawn):
    rows = {
        'first surer': [two_objects([0.9, 0.6])],
        'second surer': [two_objects([0.6, 0.9])],
        'one': [two_objects([0.4, 0.5])],
    }
    plot_detections([BLACK], rows, 'abcd', 'd.png', min_score=0.5)
    pixels = [panel.images[0].get_array() for panel in drawn[0].axes]
    assert [captions(panel) for panel in drawn[0].axes] == [
        ['b 0.60', 'd 0.90'],
        ['d 0.60', 'b 0.90'],
        ['b 0.50'],
    ]
    half = [np.array(to_rgb(COLORS[label])) / 2 for label in range(4)]
    assert np.allclose(pixels[2][3, 5], half[1])
    assert np.allclose(pixels[2][1, 2], 0)
    # Where both lie, the upper one's tint counts twice.
    assert np.allclose(pixels[0][2, 4], half[3] + half[1] / 2)
    assert np.allclose(pixels[1][2, 4], half[1] + half[3] / 2)


def test_boxes_alone_colour_images_and_no_object_at_all(tmp_path):
    colour = np.full((5, 5, 3), 200, dtype=np.uint8)
    nothing = Instances(np.zeros(0, int), np.zeros((0, 4)), None, np.zeros(0))
    boxes = Instances(np.array([12]), np.array([[0, 0, 3, 3]]))
    names = [str(number) for number in range(13)]
    path = plot_detections(
        [colour, BLACK], {'row': [boxes, nothing]}, names, tmp_path / 'new/d.png'
    )
    assert Image.open(path).size[0] > 100


def test_rows_must_have_all_images():
    with pytest.raises(ValueError, match="'found' has objects of 1 images, there are 2"):
        plot_detections([BLACK] * 2, {'found': [two_objects()]}, 'abcd', 'd.png')
