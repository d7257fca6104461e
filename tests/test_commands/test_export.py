"""`mmrcl export` on a work dir and on a file."""

import argparse

import pytest
import torch

import mmrcl
from mmrcl.commands import export
from mmrcl.export import onnx_file

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


def test_the_default_writes_what_it_can_of_an_encoder_for_small_images(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(onnx_file, 'find_spec', lambda name: None)
    backbone, checkpoint = write_encoder(tmp_path, config_with(type='ResNet_CIFAR'))
    run(checkpoint)
    said = capsys.readouterr().out
    assert 'safetensors: not written: timm has no ResNet with the 3 x 3 stem' in said
    assert 'onnx: not written: onnx and onnxscript missing' in said
    (file,) = (tmp_path / 'encoder').glob('*_mmpretrain-*.pth')
    read = mmrcl.load_encoder(file, device='cpu').network.backbone.state_dict()
    torch.testing.assert_close(dict(read), dict(backbone.state_dict()), rtol=0, atol=0)


def test_a_folder_without_checkpoint(tmp_path):
    with pytest.raises(ValueError, match='holds no checkpoint yet: train there, or pass another'):
        run(tmp_path)
