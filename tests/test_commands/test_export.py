"""`mmrcl export` on a work dir and on a file."""

import argparse

import pytest

from mmrcl.commands import export

from ..test_export.encoders import config_with, write_encoder


def run(*arguments: object) -> None:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    export.run(parser.parse_args([str(argument) for argument in arguments]))


def test_the_latest_checkpoint_of_a_work_dir(tmp_path, capsys):
    write_encoder(tmp_path, config_with())
    run(tmp_path, '--formats', 'safetensors')
    folder = tmp_path / 'encoder'
    assert {path.name for path in folder.iterdir()} == {
        'README.md',
        'config.json',
        'model.safetensors',
    }
    said = capsys.readouterr().out
    assert f'safetensors: written to {folder / "model.safetensors"}' in said
    assert f'model card: {folder / "README.md"}' in said


def test_a_refused_format_is_an_exit_code(tmp_path, capsys):
    _, checkpoint = write_encoder(tmp_path, config_with(stem_channels=32))
    with pytest.raises(SystemExit) as stop:
        run(checkpoint, '--out', tmp_path / 'out', '--formats', 'timm', 'mmdet')
    assert stop.value.code == 1
    said = capsys.readouterr().out
    assert 'mmdet: written to' in said and 'timm: not written: compared with' in said


def test_a_folder_without_checkpoint(tmp_path):
    with pytest.raises(ValueError, match='holds no checkpoint yet: train there'):
        run(tmp_path)
