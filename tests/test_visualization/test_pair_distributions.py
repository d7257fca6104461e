import numpy as np

from mmrcl.visualization import draw_pair_distributions
from mmrcl.visualization.style import as_image

EDGES = np.array([1e-2, 1e-1, 1.0])
ETA_EDGES = np.linspace(-2, 2, 5)


def test_rows_are_shares_and_empty_ones_are_left_out():
    etas = np.array([[0, 0, 0, 0], [0, 2, 1, 1], [12, 0, 0, 0]])
    probabilities = np.array([[0, 0], [6, 2], [20, 4]])
    figure = draw_pair_distributions(EDGES, probabilities, ETA_EDGES, etas, 'Pairs of epoch 3')
    shares, model, moves = figure.axes
    assert [bar.get_height() for bar in shares.patches] == [0.25, 0.75]
    assert [text.get_text() for text in shares.get_xticklabels()] == ['1 of 2', '2 of 2']
    # Each row is a filled and a drawn step.
    values = [list(patch.get_data().values) for patch in model.patches[::2]]
    assert values == [[0.75, 0.25], [20 / 24, 4 / 24]]
    assert list(moves.patches[1].get_data().values) == [0, 0.5, 0.25, 0.25]
    assert moves.patches[1].get_edgecolor() == (*shares.patches[0].get_facecolor()[:3], 1)
    assert [text.get_text() for text in moves.get_legend().get_texts()] == ['1 of 2', '2 of 2']
    image = as_image(figure)
    assert image.dtype == np.uint8 and image.shape[2] == 3 and image.shape[1] > 1000
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 50
