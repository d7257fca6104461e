import json

import matplotlib
import pytest
from PIL import Image

from mmrcl.visualization import curves, plot_curves, read_scalars


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were about to be written."""
    figures = []

    def keep(figure, path):
        figures.append(figure)
        return path

    monkeypatch.setattr(curves, 'save', keep)
    return figures


def write_run(path, epochs: int = 4, knn_every: int = 2, loss: bool = True):
    """Scalars of a run of 10 iterations an epoch that logs every fifth."""
    rows = []
    for epoch in range(1, epochs + 1):
        for iteration in (10 * epoch - 5, 10 * epoch):
            row = dict(lr=0.1, time=0.2, epoch=epoch, iter=iteration, step=iteration)
            rows.append(row | ({'loss': 8.0 / iteration} if loss else {}))
        if epoch % knn_every == 0:
            rows.append({'knn/top1': epoch / 10, 'epoch': epoch, 'step': 10 * epoch})
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def test_scalars_are_read_line_by_line(tmp_path):
    rows = read_scalars(write_run(tmp_path / 'scalars.json'))
    assert len(rows) == 10
    assert rows[0] == dict(lr=0.1, time=0.2, epoch=1, iter=5, step=5, loss=1.6)


def test_loss_and_accuracy_stand_at_their_epochs(tmp_path, drawn):
    runs = {
        'instance discrimination': write_run(tmp_path / 'a.json'),
        'RCL': write_run(tmp_path / 'b.json', knn_every=1),
    }
    plot_curves(runs, 'curves.png', title='Digits')
    loss, accuracy = drawn[0].axes
    assert list(loss.lines[0].get_xdata()) == [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]
    assert loss.lines[0].get_ydata()[-1] == 0.2
    assert list(accuracy.lines[0].get_xdata()) == [2, 4]
    assert list(accuracy.lines[1].get_ydata()) == [0.1, 0.2, 0.3, 0.4]
    assert accuracy.get_ylabel() == 'kNN accuracy' and accuracy.get_xlabel() == 'epoch'
    legend = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert legend == ['instance discrimination, at the end 0.4', 'RCL, at the end 0.4']


def test_references_are_lines_of_the_accuracy_alone(tmp_path, drawn):
    runs = {'RCL': write_run(tmp_path / 'a.json')}
    plot_curves(runs, 'curves.png', references={'raw pixels': 0.25})
    loss, accuracy = drawn[0].axes
    assert len(loss.lines) == 1
    assert list(accuracy.lines[1].get_ydata()) == [0.25, 0.25]
    assert accuracy.get_legend().get_texts()[1].get_text() == 'raw pixels, not trained 0.25'


def test_a_run_without_accuracy_keeps_its_colour_and_leaves_no_line(tmp_path, drawn):
    runs = {
        'instance discrimination': write_run(tmp_path / 'a.json', knn_every=9),
        'RCL': write_run(tmp_path / 'b.json'),
    }
    plot_curves(runs, 'curves.png')
    loss, accuracy = drawn[0].axes
    assert len(loss.lines) == 2 and len(accuracy.lines) == 1
    assert accuracy.lines[0].get_color() == loss.lines[1].get_color()


def test_a_panel_without_rows_is_left_out(tmp_path, drawn):
    plot_curves({'run': write_run(tmp_path / 'a.json', knn_every=9)}, 'curves.png')
    assert [axes.get_ylabel() for axes in drawn[0].axes] == ['loss']


def test_a_file_is_written_and_global_state_left_alone(tmp_path):
    before = dict(matplotlib.rcParams), matplotlib.get_backend(auto_select=False)
    path = plot_curves({'run': write_run(tmp_path / 'a.json')}, tmp_path / 'new' / 'curves.png')
    assert path == tmp_path / 'new' / 'curves.png'
    with Image.open(path) as image:
        assert image.width > 1000 and len(image.getcolors(1 << 20)) > 50
    assert before == (dict(matplotlib.rcParams), matplotlib.get_backend(auto_select=False))


def test_user_errors_say_what_to_give(tmp_path):
    with pytest.raises(ValueError, match='no scalars at .*missing.json.*pass vis_data'):
        plot_curves({'run': tmp_path / 'missing.json'}, tmp_path / 'curves.png')
    empty = write_run(tmp_path / 'a.json', knn_every=9, loss=False)
    with pytest.raises(ValueError, match=r"none of the runs \['run'\] has a row with loss"):
        plot_curves({'run': empty}, tmp_path / 'curves.png')
