"""Views of configs, drawn by tools/analysis/views.py."""

from pathlib import Path

from PIL import Image

from .commands import call
from .runs import CONFIG


def test_views_of_two_configs_are_drawn(tmp_path: Path):
    out = tmp_path / 'views.png'
    other = CONFIG.parents[1] / 'baselines/swav_resnet18_1xb128-mcrop-coslr-30e_digits.py'
    chosen = ['--images', 2, '--epochs', 1, '--out', out]
    done = call('analysis/views.py', CONFIG, other, *chosen)
    assert done.stdout.strip() == str(out), done.stderr
    assert Image.open(out).width > Image.open(out).height
    assert 'pass a --names' in call('analysis/views.py', CONFIG, CONFIG).stderr
