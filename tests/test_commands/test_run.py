"""One tiny training by the command, and what the other commands do with it."""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from mmengine.config import Config

import mmrcl
from mmrcl.commands import main

from ..tiers import check_slow
from .pictures import write_pictures

pytestmark = pytest.mark.slow


class Run(NamedTuple):
    photos: Path
    out: Path
    said: str

    @property
    def arguments(self) -> list[str]:
        return ['pretrain', str(self.photos), '--out', str(self.out), '--epochs', '1']


@pytest.fixture(scope='session')
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    check_slow('trains')
    folder = tmp_path_factory.mktemp('command')
    run = Run(write_pictures(folder / 'photos'), folder / 'run', '')
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr('builtins.print', lambda *words, **_: said.append(' '.join(map(str, words))))
        assert main(run.arguments) == 0
    return run._replace(said='\n'.join(said))


def test_the_run_leaves_config_checkpoint_and_page(run: Run):
    names = {path.name for path in run.out.iterdir()}
    assert {'config.py', 'epoch_1.pth', 'hierarchy_report.html', 'last_checkpoint'} <= names
    assert '52 images' in run.said and '2 classes' in run.said
    assert run.said.endswith(f'mmrcl embed {run.photos} {run.out} --out features.npy')
    [log] = run.out.glob('*/*.log')
    assert re.search(r'kNN accuracy after epoch 1: \d', log.read_text())
    assert 'Level 2: ' in log.read_text()


def test_the_training_keeps_the_reasons_in_the_config(run: Run):
    text = (run.out / 'config.py').read_text()
    assert text.startswith(f'# mmrcl pretrain {run.photos} ')
    assert '# epochs 1: by --epochs; all schedules follow\n' in text
    assert Config.fromfile(run.out / 'config.py').train_cfg.max_epochs == 1


def test_the_same_command_continues_and_another_is_refused(run: Run, capsys):
    before = (run.out / 'config.py').read_bytes()
    assert main(run.arguments) == 0
    assert 'Continuing the run' in capsys.readouterr().out
    assert (run.out / 'config.py').read_bytes() == before
    assert main([*run.arguments[:-1], '2']) == 1
    said = capsys.readouterr().err
    assert said.startswith(f'error: --out {run.out} is of another command, `mmrcl pretrain')
    assert said.count('\n') == 1


def test_evaluate_scores_every_fifth_image(run: Run, capsys):
    assert main(['evaluate', str(run.photos), str(run.out)]) == 0
    *_, counts, scores = capsys.readouterr().out.splitlines()
    assert counts == '42 images to learn 2 classes, 10 to score'
    knn, linear = map(float, re.findall(r'([\d.]+)%', scores))
    features = mmrcl.embed_folder(run.photos, run.out)
    parts = mmrcl.split_features(features)
    assert knn == pytest.approx(100 * mmrcl.knn_accuracy(*parts), abs=0.06)
    assert linear == pytest.approx(100 * mmrcl.linear_accuracy(*parts), abs=0.06)


def test_embed_and_cluster_write_the_same_images(run: Run, tmp_path: Path):
    assert main(['embed', str(run.photos), str(run.out), '--out', str(tmp_path / 'a.npy')]) == 0
    assert main(['cluster', str(run.photos), str(run.out), '--out', str(tmp_path / 'a.csv')]) == 0
    features = mmrcl.Features.load(tmp_path / 'a.npy')
    assert features.vectors.shape == (52, 512)
    arrays = np.load(tmp_path / 'a.npz')
    np.testing.assert_array_equal(arrays['vectors'], features.vectors)
    assert arrays['files'].tolist() == features.paths
    head, *rows = csv.reader((tmp_path / 'a.csv').open(newline=''))
    assert head == ['file', 'class', 'level 2', 'level 3']
    assert [row[:2] for row in rows] == [list(row) for row in zip(*features[1:], strict=True)]
    labels = torch.tensor([[int(label) for label in row[2:]] for row in rows]).T
    assert torch.equal(labels, torch.from_numpy(arrays['labels']))
    assert torch.equal(labels, mmrcl.cluster_features(features).labels)


def test_labels_of_a_file_choose_the_images(run: Run, tmp_path: Path):
    names = [f'class {index % 2}/picture {index:03d}.png' for index in range(20)]
    lines = [f'{name},{"ab"[index < 10]}\n' for index, name in enumerate(names)]
    (tmp_path / 'labels.csv').write_text(''.join(lines))
    found = mmrcl.embed_folder(run.photos, run.out, tmp_path / 'labels.csv')
    order = sorted(names)
    assert found.paths == [str(run.photos / name) for name in order]
    assert found.classes == ['ab'[names.index(name) < 10] for name in order]


def test_report_writes_a_page(run: Run, tmp_path: Path):
    assert main(['report', str(run.photos), str(run.out), '--out', str(tmp_path / 'a.html')]) == 0
    assert '<title>' in (tmp_path / 'a.html').read_text()
