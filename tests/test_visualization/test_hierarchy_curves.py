import json
import re
from pathlib import Path

import pytest
from PIL import Image

from mmrcl.visualization import hierarchy_curves, plot_hierarchy_curves, read_run


@pytest.fixture
def drawn(monkeypatch):
    """The figures that were about to be written."""
    figures = []
    monkeypatch.setattr(
        hierarchy_curves, 'save', lambda figure, path: figures.append(figure) or path
    )
    return figures


def write(work_dir, stamp: str, rows: list[dict]):
    path = work_dir / stamp / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return work_dir


def run(work_dir, epochs: int = 3):
    rows = [
        {'loss': 1.0, 'retrieval_hit_rate': step / 100, 'epoch': 1 + (step - 1) // 10}
        | {'iter': step, 'step': step}
        for step in range(5, 10 * epochs + 1, 5)
    ]
    for epoch in range(1, epochs + 1):
        rows.append(
            {
                'hierarchy/level_2/ami': epoch / 10,
                'hierarchy/level_3/ami': epoch / 5,
                'pairs/1_of_3/attracted_fraction': 0.5,
                'pairs/3_of_3/attracted_fraction': 1.0,
                'epoch': epoch,
                'iter': 10 * epoch,
                'step': 10 * epoch,
            }
        )
    return write(work_dir, '20260101_000000', rows)


def test_lines_are_levels_and_runs(tmp_path, drawn):
    runs = {'RCL': run(tmp_path / 'a'), 'other': run(tmp_path / 'b', epochs=2)}
    plot_hierarchy_curves(runs, 'figure.png')
    panels = {axes.get_ylabel(): axes for axes in drawn[0].axes}
    assert list(panels) == [
        'loss',
        'AMI with the classes',
        'queries with a retrieved key',
        'pairs attracted, the rest repelled',
    ]
    ami = panels['AMI with the classes']
    assert [list(line.get_xdata()) for line in ami.lines] == [[1, 2, 3]] * 2 + [[1, 2]] * 2
    assert list(ami.lines[1].get_ydata()) == [0.2, 0.4, 0.6]
    colors = [line.get_color() for line in ami.lines]
    styles = [line.get_linestyle() for line in ami.lines]
    assert colors[0] == colors[1] != colors[2] == colors[3]
    assert styles[0] == styles[2] != styles[1] == styles[3]
    assert [text.get_text() for text in ami.get_legend().get_texts()] == ['2', '3']
    hits = panels['queries with a retrieved key'].lines[0]
    assert list(hits.get_xdata()) == [0.5, 1, 1.5, 2, 2.5, 3]
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ['RCL', 'other']


def test_a_resumed_run_is_one_line(tmp_path):
    row = dict(epoch=1, iter=0)
    write(tmp_path, '20260102_000000', [dict(row, step=3, new=1), dict(row, step=5, new=1)])
    early = [dict(row, step=step, new=0) for step in (1, 2, 3, 4)]
    # Ended the epoch before the checkpoint, so the later start has no such row.
    end_of_epoch = dict(row, step=3, accuracy=0.5)
    write(tmp_path, '20260101_000000', [*early[:3], end_of_epoch, early[3]])
    write(tmp_path, '20260103_000000', [])
    rows = read_run(tmp_path)
    assert [row['step'] for row in rows] == [1, 2, 3, 3, 5]
    assert [row.get('new') for row in rows] == [0, 0, None, 1, 1]


def test_a_file_is_written(tmp_path):
    path = plot_hierarchy_curves({'RCL': run(tmp_path / 'a')}, tmp_path / 'new/figure.png')
    with Image.open(path) as image:
        assert image.width > 1000 and len(image.getcolors(1 << 20)) > 50


def test_user_errors_say_what_to_give(tmp_path):
    with pytest.raises(ValueError, match='no vis_data/scalars.json below .*: pass the work_dir'):
        plot_hierarchy_curves({'RCL': tmp_path}, tmp_path / 'figure.png')
    other = write(tmp_path / 'other', '20260101_000000', [dict(lr=1, epoch=1, iter=1, step=1)])
    with pytest.raises(ValueError, match=r"none of the runs \['RCL'\] logged a loss"):
        plot_hierarchy_curves({'RCL': other}, tmp_path / 'figure.png')


def test_every_value_that_the_docs_list_is_drawn():
    page = (Path(__file__).parents[2] / 'docs/monitoring.md').read_text()
    table = page.split('| name | meaning |')[1].split('\n\n')[0].split('\n')[2:]
    for row in table:
        cell = row.split('|')[1]
        names = re.findall('`([^`]+)`', cell)
        folder = names[0].rpartition('/')[0]
        for name in names:
            full = name if '/' in name or not folder else f'{folder}/{name}'
            logged = full.replace('level_i', 'level_2').replace('level_L', 'level_2')
            logged = logged.replace('k_of_H', '1_of_3')
            patterns = hierarchy_curves.PANELS.values()
            assert any(re.fullmatch(pattern, logged) for pattern in patterns), logged
