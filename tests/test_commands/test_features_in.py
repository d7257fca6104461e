"""duplicates, outliers and subset as subcommands: tables and links of a folder or of features."""

import argparse
import csv
from pathlib import Path
from types import ModuleType

import pytest
import torch

import mmrcl
from mmrcl.commands import duplicates, outliers, subset
from mmrcl.errors import ConfigError

from ..runs import tiny_config
from ..test_apis.folders import write_checkpoint, write_digits


def call(module: ModuleType, *arguments: object) -> None:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    module.run(parser.parse_args([str(argument) for argument in arguments]))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline='') as file:
        return list(csv.DictReader(file))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Features of 20 digits, of which the last 4 are copies."""
    folder = write_digits(tmp_path / 'digits', 'train', 20)
    vectors = torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    vectors[16:] = vectors[:4]
    paths = sorted(str(path) for path in folder.rglob('*.png'))
    mmrcl.Features(vectors, paths).save(tmp_path / 'digits.npy')
    return tmp_path / 'digits.npy'


def test_duplicates_of_saved_features(saved, tmp_path, capsys):
    call(duplicates, saved, '--threshold', 0.999, '--out', tmp_path / 'out')
    assert len(rows(tmp_path / 'out/duplicates.csv')) == 8
    assert len(list((tmp_path / 'out/links/kept').rglob('*.png'))) == 16
    assert '4 of 20 images are near-duplicates of one kept' in capsys.readouterr().out


def test_outliers_of_saved_features(saved, tmp_path):
    call(outliers, saved, '--neighbors', 3, '--count', 5, '--out', tmp_path / 'out')
    found = rows(tmp_path / 'out/outliers.csv')
    assert len(found) == 20 and {row['level'] for row in found} <= set('234')
    assert len(list((tmp_path / 'out/links').iterdir())) == 5


def test_a_subset_of_a_folder_by_a_checkpoint(tmp_path):
    folder = write_digits(tmp_path / 'digits', 'train', 20)
    checkpoint = tmp_path / 'epoch_1.pth'
    write_checkpoint(checkpoint, tiny_config(tmp_path))
    call(subset, folder, checkpoint, '--size', 7, '--out', tmp_path / 'out')
    assert len(rows(tmp_path / 'out/subset.csv')) == 7
    links = list((tmp_path / 'out/links').rglob('*.png'))
    assert len(links) == 7
    assert all(path.resolve().parent.name == path.parent.name for path in links)
    with pytest.raises(ConfigError, match='digits has 20 images, fewer than the 21 asked for'):
        call(subset, folder, checkpoint, '--size', 21, '--out', tmp_path / 'b')


def test_says_what_is_wrong_before_any_work(saved, tmp_path):
    with pytest.raises(FileExistsError, match='is not an empty folder: name a new one'):
        call(outliers, saved, '--out', saved.parent)
    with pytest.raises(ConfigError, match=r'digits\.npy holds features: leave the checkpoint out'):
        call(outliers, saved, 'a.pth', '--out', tmp_path / 'out')
    with pytest.raises(ConfigError, match='name the checkpoint of an encoder after'):
        call(outliers, tmp_path / 'digits', '--out', tmp_path / 'out')
    with pytest.raises(ConfigError, match='lies inside'):
        call(outliers, tmp_path / 'digits', 'a.pth', '--out', tmp_path / 'digits/out')
    with pytest.raises(ConfigError, match='fotos does not exist: pass the folder of your images'):
        call(outliers, tmp_path / 'fotos', 'a.pth', '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    ('module', 'arguments', 'said'),
    [
        (duplicates, ['--threshold', '1'], '1 must be above -1 and below 1'),
        (outliers, ['--neighbors', '0'], '0 must be at least 1'),
        (subset, ['--size', '0'], '0 must be at least 1'),
        (subset, [], 'the following arguments are required: --size'),
    ],
)
def test_a_wrong_number_is_refused_by_the_parser(module, arguments, said, capsys):
    with pytest.raises(SystemExit):
        call(module, 'a.npy', *arguments)
    assert said in capsys.readouterr().err
