"""What a user of the command sees of Python's warnings."""

import warnings

from mmrcl.apis import Features
from mmrcl.clustering import LevelWarning
from mmrcl.commands import main


def test_a_warning_is_one_line_and_comes_once(monkeypatch, capsys, tmp_path):
    def load(path: str) -> Features:
        for level in (2, 2, 3):
            warnings.warn(f'level {level}\n  coincides', LevelWarning, stacklevel=1)
        raise ValueError('no features')

    monkeypatch.setattr(Features, 'load', load)
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter('always')
        assert main(['duplicates', 'a.npy', '--out', str(tmp_path / 'out')]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        'warning: level 2 coincides',
        'warning: level 3 coincides',
        'error: no features',
    ]
    assert warnings.showwarning is before
