"""Typical mistakes end in one sentence that names what is wrong, before anything is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mmrcl.apis import folder_training
from mmrcl.apis.pretraining import Request, write_split
from mmrcl.commands import main

from .pictures import write_pictures

Prepare = Callable[[Path], list[object]]


def one_image(folder: Path) -> list[object]:
    write_pictures(folder / 'one', count=1)
    return [folder / 'one']


def no_images(folder: Path) -> list[object]:
    (folder / 'none').mkdir()
    (folder / 'none/notes.txt').write_text('no image')
    return [folder / 'none']


def too_small(folder: Path) -> list[object]:
    return [write_pictures(folder / 'small', sides=(3, 5))]


def torn(folder: Path) -> list[object]:
    (folder / 'torn').mkdir()
    for index in range(60):
        (folder / f'torn/{index}.jpg').write_bytes(b'no image')
    return [folder / 'torn']


def init_of_another(folder: Path) -> list[object]:
    torch.save({'conv1.weight': torch.ones(64, 3, 7, 7)}, folder / 'other.pth')
    return [folder / 'photos', '--init', folder / 'other.pth']


def labels(text: str) -> Prepare:
    def write(folder: Path) -> list[object]:
        (folder / 'labels.csv').write_text(text)
        return [folder / 'photos', '--labels', folder / 'labels.csv']

    return write


def used(folder: Path) -> list[object]:
    (folder / 'used').mkdir()
    (folder / 'used/thesis.txt').write_text('mine')
    return [folder / 'photos', '--out', folder / 'used']


PHOTOS = 'photos'
MISTAKES: dict[str, tuple[Prepare, str]] = {
    'missing folder': (lambda f: [f / 'fotos'], 'fotos does not exist: pass the folder'),
    'file': (lambda f: [next(f.glob('photos/*/*'))], 'is a file: pass the folder that holds'),
    'no images': (no_images, "no image below '"),
    'one image': (one_image, 'has 1 images: at least 50 are needed'),
    'too small': (too_small, 'less than 8 pixels wide or high'),
    'torn': (torn, 'none of 60 files'),
    'model': (lambda f: [f / PHOTOS, '--model', 'resnet81'], "'resnet81' is unknown (similar: res"),
    'method': (lambda f: [f / PHOTOS, '--method', 'moco'], 'is unknown: choose rcl, instance-'),
    'epochs': (lambda f: [f / PHOTOS, '--epochs', 0], '--epochs 0: train for at least 1 epoch'),
    'out inside': (lambda f: [f / PHOTOS, '--out', f / PHOTOS / 'run'], 'lies inside'),
    'out is a file': (lambda f: [f / PHOTOS, '--out', f / 'a.txt'], 'is a file: pass a folder'),
    'out is used': (used, 'is not empty and holds no run of `mmrcl pretrain`'),
    'init missing': (lambda f: [f / PHOTOS, '--init', f / 'b.pth'], '--init'),
    'init of another': (init_of_another, 'does not hold the ResNet of this config'),
    'labels of others': (labels('cat.png,a\ndog.png,b\n'), "such as 'cat.png': name them by"),
    'labels without class': (labels('cat.png\n'), 'line 1 is not FILE,CLASS'),
    'labels of few': (
        labels('class 0/picture 000.png,a\nclass 1/picture 001.png,b\n'),
        'has 5 images',
    ),
    'labels twice': (
        labels('class 0/picture 000.png,a\n' * 2 + 'class 0/picture 000.png,b\n'),
        "a' and 'b'",
    ),
    'label is empty': (labels('class 0/picture 000.png,\n'), 'line 1 is not FILE,CLASS'),
    'labels of one class': (labels('class 0/picture 000.png,a\n'), 'less than two classes'),
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('mistakes')
    write_pictures(folder / PHOTOS)
    (folder / 'a.txt').write_text('a file')
    return folder


@pytest.mark.parametrize('mistake', MISTAKES)
def test_one_sentence_names_the_mistake(mistake: str, folder: Path, capsys):
    prepare, sentence = MISTAKES[mistake]
    arguments = [str(each) for each in prepare(folder)]
    out = [] if '--out' in arguments else ['--out', str(folder / 'out')]
    assert main(['pretrain', *arguments, *out]) == 1
    said = capsys.readouterr().err
    assert said.startswith('error: ') and sentence in said and said.count('\n') == 1
    assert 'Traceback' not in said
    assert not (folder / 'out').exists()


@pytest.mark.parametrize('name', ['epoch_1.pth', 'last_checkpoint'])
def test_checkpoints_that_cannot_continue_are_named_without_options_of_others(
    name: str, folder: Path, tmp_path: Path, capsys
):
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / name).write_text(str(tmp_path / 'elsewhere/epoch_1.pth'))
    command = Request(str(folder / PHOTOS)).resolved().command()
    (tmp_path / 'run/config.py').write_text(f'# {command}\n')
    assert main(['pretrain', str(folder / PHOTOS), '--out', str(tmp_path / 'run')]) == 1
    said = capsys.readouterr().err.splitlines()[-1]  # A logger of another test may say more.
    assert said.startswith('error: ') and 'checkpoint' in said and ' --' not in said


def test_a_start_that_was_killed_is_begun_anew(folder: Path, tmp_path: Path, monkeypatch):
    """Killed after the labels, before the config: the same command goes on."""

    def killed(*arguments: object) -> None:
        write_split(*arguments)
        raise KeyboardInterrupt

    out, arguments = tmp_path / 'run', ['pretrain', str(folder / PHOTOS), '--out']
    monkeypatch.setattr(folder_training, 'write_split', killed)
    assert main([*arguments, str(out)]) == 130
    assert (out / 'labels/queries.txt').exists() and not (out / 'config.py').exists()
    monkeypatch.undo()
    monkeypatch.setattr(folder_training, 'run_training', lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main([*arguments, str(out)])
    assert {path.name for path in out.iterdir()} == {'config.py', 'labels'}


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_an_out_that_cannot_be_written(folder: Path, tmp_path: Path, capsys):
    tmp_path.chmod(0o500)
    assert main(['pretrain', str(folder / PHOTOS), '--out', str(tmp_path / 'run')]) == 1
    assert 'cannot be written: pass a folder of your own' in capsys.readouterr().err


def test_a_dry_run_writes_nothing(folder: Path, capsys):
    before = sorted(folder.rglob('*'))
    out = ['--out', str(folder / 'dry')]
    assert main(['pretrain', str(folder / PHOTOS), *out, '--dry-run']) == 0
    said = capsys.readouterr().out
    assert '52 images' in said and 'epochs ' in said and 'there is no GPU' in said
    assert sorted(folder.rglob('*')) == before


OUTS = {'cluster': 'a.csv', 'embed': 'a.npy', 'report': 'a.html'}


@pytest.mark.parametrize('command', OUTS)
def test_out_is_checked_before_the_work(command: str, folder: Path, capsys):
    (folder / OUTS[command]).mkdir(exist_ok=True)
    for out, sentence in {
        'a.txt': f'must end with .{OUTS[command][2:]}',
        f'nowhere/{OUTS[command]}': 'nowhere: make it first',
        OUTS[command]: 'is a folder: pass another name',
    }.items():
        assert main([command, str(folder / PHOTOS), 'no.pth', '--out', str(folder / out)]) == 1
        said = capsys.readouterr().err
        assert sentence in said and said.count('\n') == 1


@pytest.mark.parametrize(
    ('command', 'name', 'beside'),
    [('cluster', 'c.csv', 'c.npz'), ('embed', 'c.npy', 'c.txt'), ('report', 'c.html', 'c.html')],
)
def test_nothing_is_replaced(command: str, name: str, beside: str, folder, tmp_path, capsys):
    (tmp_path / beside).write_text('mine')
    assert main([command, str(folder / PHOTOS), 'no.pth', '--out', str(tmp_path / name)]) == 1
    said = capsys.readouterr().err
    assert said == f'error: {tmp_path / beside} exists: remove it, or name a new one by --out\n'
    assert (tmp_path / beside).read_text() == 'mine'


def test_labels_are_not_replaced(folder: Path, capsys):
    words = [str(folder / PHOTOS), 'no.pth', '--out', str(folder / 'b.npy')]
    assert main(['embed', *words, '--labels', str(folder / 'b.txt')]) == 1
    assert 'b.npy would replace --labels' in capsys.readouterr().err


def test_evaluate_needs_classes_before_the_work(folder: Path, tmp_path: Path, capsys):
    flat = write_pictures(tmp_path, count=12, classes=1) / 'class 0'
    others = write_pictures(tmp_path / 'others', classes=3)
    for words, sentence in [
        ([flat, 'no.pth'], f'the classes of {flat} are unknown'),
        ([folder / PHOTOS, 'no.pth', '--test', flat], f'the classes of {flat} are unknown'),
        ([folder / PHOTOS, 'no.pth', '--test', others], 'no training image has class class 2'),
        ([folder / PHOTOS, 'no.pth', '--test', tmp_path / 'none'], 'none does not exist'),
    ]:
        assert main(['evaluate', *map(str, words)]) == 1
        said = capsys.readouterr().err
        assert sentence in said and said.count('\n') == 1


@pytest.mark.parametrize('command', ['evaluate', 'cluster', 'report', 'embed'])
def test_other_commands_name_a_work_dir_without_checkpoint(command: str, folder: Path, capsys):
    assert main([command, str(folder / PHOTOS), str(folder)]) == 1
    said = capsys.readouterr().err
    assert 'holds no checkpoint yet' in said and said.count('\n') == 1


@pytest.mark.parametrize(
    'words',
    ['evaluate', 'cluster', 'report', 'embed', 'duplicates', 'outliers', 'subset --size 9'],
)
def test_a_checkpoint_without_config_needs_one(
    words: str, folder: Path, tmp_path: Path, monkeypatch, capsys
):
    torch.save(dict(state_dict={'conv1.weight': torch.ones(1)}, meta={}), tmp_path / 'bare.pth')
    command, *options = words.split()
    arguments = [command, str(folder / PHOTOS), str(tmp_path / 'bare.pth'), *options]
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    said = capsys.readouterr().err
    assert 'bare.pth contains no config: pass it by --config' in said and said.count('\n') == 1

    def load(checkpoint: str, config: str, trust: bool) -> None:
        raise ValueError(f'loads by {config}')

    monkeypatch.setattr('mmrcl.apis.folders.load_encoder', load)
    assert main([*arguments, '--config', 'mine.py']) == 1
    assert capsys.readouterr().err == 'error: loads by mine.py\n'
