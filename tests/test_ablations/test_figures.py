import pytest
from matplotlib.figure import Figure

from mmrcl.ablations.figures import Point, _draw_bars, _draw_lines, plot_arms, plot_settings

ARMS = [
    Point('instance discrimination', [70, 72]),
    Point('RCL', [75]),
    Point('collapsed', [60, 61, 62]),
]


@pytest.fixture
def axes():
    return Figure().subplots()


def test_a_bar_is_the_difference_from_the_reference(axes):
    _draw_bars(axes, ARMS, 'instance discrimination')
    assert [bar.get_x() for bar in axes.patches] == [71, 71, 71]
    assert [bar.get_width() for bar in axes.patches] == [0, 4, -10]
    dots = [line.get_xdata().tolist() for line in axes.lines[1:]]
    assert dots == [[70, 72], [75], [60, 61, 62]]


def test_without_a_reference_bars_start_at_the_lowest(axes):
    _draw_bars(axes, ARMS, None)
    assert [bar.get_width() for bar in axes.patches] == [10, 14, 0]


def test_a_line_goes_through_the_means_with_a_band(axes):
    points = [Point('a', [1, 3], 10, 'RCL'), Point('b', [5], 20, 'RCL'), Point('c', [0], 10, 'own')]
    _draw_lines(axes, points)
    first, second = axes.lines
    assert (first.get_xdata().tolist(), first.get_ydata().tolist()) == ([10, 20], [2, 5])
    assert second.get_label() == 'own'
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(2 - 2**0.5)


def test_words_are_set_out_in_their_order(axes):
    _draw_lines(axes, [Point('a', [1], 'all', 'RCL'), Point('b', [0], 'no crop', 'RCL')])
    assert [label.get_text() for label in axes.get_xticklabels()] == ['all', 'no crop']
    assert axes.lines[0].get_xdata().tolist() == [0, 1]


def test_figures_are_written(tmp_path):
    panels = {f'metric {i}': ARMS for i in range(4)}
    assert plot_arms(panels, tmp_path / 'new/bars.png', 'RCL', 'Table').stat().st_size > 5000
    lines = {'kNN': [Point('a', [1], 1, 'RCL'), Point('b', [2], 2, 'RCL')]}
    assert plot_settings(lines, tmp_path / 'lines.png', 'epochs').stat().st_size > 3000
