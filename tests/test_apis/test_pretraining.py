"""What `mmrcl pretrain` sees, chooses and writes, without a training."""

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config
from PIL import Image

from mmrcl.apis.pretraining import (
    DEFAULTS,
    METHODS,
    Choice,
    FolderFacts,
    Machine,
    Request,
    build_config,
    by_class_folders,
    choose,
    config_text,
    look_at_folder,
    read_labels,
    split_by_class,
)
from mmrcl.datasets import read_header
from mmrcl.errors import ConfigError
from mmrcl.launch import check_config, check_views
from mmrcl.launch.schedules import unfit_schedules

CPU = Machine(cores=2, memory=24)
GPU = Machine(cores=16, memory=128, gpus=1, gpu_memory=80, bfloat16=True)


def facts(count: int = 2000, side: int = 120, classes: bool = False, **changes: Any) -> FolderFacts:
    files = [f'{index % 4}/{index}.jpg' for index in range(count)]
    names = by_class_folders(files) if classes else None
    found = FolderFacts('/photos', files, count, [side] * 9, 200, 0, 0, [], names)
    return found._replace(**changes)


def test_a_header_says_what_decoding_says(tmp_path: Path):
    for mode, gray, transparent in [
        ('RGB', False, False),
        ('RGBA', False, True),
        ('L', True, False),
        ('LA', True, True),
        ('P', False, False),
        ('I;16', True, False),
        ('1', True, False),
    ]:
        Image.new(mode, (7, 5)).save(tmp_path / 'a.png')
        found = read_header(str(tmp_path / 'a.png'))
        assert found == (7, 5, gray, transparent), mode


def test_looks_at_all_of_a_small_folder_and_at_some_of_a_large_one(tmp_path: Path):
    for index in range(60):
        size = (20 + index, 100)
        mode = 'RGBA' if index % 6 == 0 else 'L' if index % 6 == 1 else 'RGB'
        Image.new(mode, size).save(tmp_path / f'{index:02d}.png')
    (tmp_path / '07.png').write_bytes(b'no image')
    whole = look_at_folder(str(tmp_path))
    assert whole.looked_at == 60 and len(whole.unreadable) == 1 and '07.png' in whole.unreadable[0]
    assert whole.sides == sorted({*range(20, 80)} - {27}) and whole.longest == 100
    assert whole.transparent == 10 / 59 and whole.gray == 9 / 59
    assert whole.classes is None
    some = look_at_folder(str(tmp_path), defaults=DEFAULTS._replace(sampled=3))
    assert some.looked_at == 3 and some.sides == [20, 49, 79] and len(some.files) == 60


def test_folders_are_classes_if_all_images_lie_in_some():
    files = [f'{name}/{index}.jpg' for name in 'ab' for index in range(20)]
    assert by_class_folders(files) == ['a'] * 20 + ['b'] * 20
    assert by_class_folders([*files, 'c.jpg']) is None
    assert by_class_folders(files[:20]) is None
    assert by_class_folders([*files[:4], *files[-4:]]) is None  # four images a class


def test_every_fifth_image_of_a_class_is_scored():
    draw = random.Random(0)
    classes = [draw.choice(['a', 'b', 'c', None]) for _ in range(300)]
    split = split_by_class(classes)
    seen: Counter[str] = Counter()
    gallery, queries = [], []
    for place, name in enumerate(classes):
        if name is not None:
            seen[name] += 1
            (gallery if seen[name] % 5 else queries).append(place)
    assert split.gallery.tolist() == gallery and split.queries.tolist() == queries
    few = split_by_class(classes, DEFAULTS._replace(most_scored=(4, 7)))
    assert len(few.queries) == 4 and len(few.gallery) == 7
    assert {*few.queries.tolist()} <= {*queries}


@pytest.mark.parametrize('mark', [',', '\t'])
def test_labels_of_a_file(mark: str, tmp_path: Path):
    (tmp_path / 'a.txt').write_text(
        f'b.png{mark}dog\na, b.png{mark}cat\n'.replace('a, b', '"a, b"')
    )
    assert read_labels(tmp_path / 'a.txt', ['a, b.png', 'b.png', 'c.png']) == ['cat', 'dog', None]


def test_labels_as_a_spreadsheet_writes_them(tmp_path: Path):
    (tmp_path / 'a.csv').write_bytes(b'\xef\xbb\xbfa.png,cat\r\nb.png,dog\r\n\r\n')
    assert read_labels(tmp_path / 'a.csv', ['a.png', 'b.png']) == ['cat', 'dog']


@pytest.mark.parametrize('name', [b'caf\xe9.png', b'line\nbreak.png'])
def test_a_name_that_no_text_can_list_is_refused(name: bytes, tmp_path: Path):
    for index in range(60):
        Image.new('RGB', (9, 9)).save(tmp_path / f'{index}.png')
    (tmp_path / '0.png').rename(os.fsdecode(os.path.join(os.fsencode(tmp_path), name)))
    with pytest.raises(ConfigError, match='has a line break or tab: rename it') as caught:
        look_at_folder(str(tmp_path))
    assert str(caught.value).isprintable()


def test_choices_follow_images_and_machine():
    value = {name: choice.value for name, choice in choose(facts(), GPU, Request('a')).items()}
    assert value['image size'] == 128 and value['precision'] == 'bfloat16'
    assert value['batch size'] == 256 and value['queue'] == 1000
    assert value['clusters'] == [5.0, 20.0] and value['kNN'] == 'none'
    value = {name: choice.value for name, choice in choose(facts(), CPU, Request('a')).items()}
    assert value['image size'] == 80 and value['batch size'] == 64 and value['epochs'] == 20
    many = choose(facts(1_281_167, 400), GPU, Request('a', 'resnet50'))
    assert many['image size'].value == 224 and many['epochs'].value == 100
    assert many['queue'].value == 98304
    small = choose(facts(side=28), GPU, Request('a', init='a.pth'))
    assert small['image size'].value == 96 and 'published encoders' in small['image size'].reason


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('seed', range(15))
def test_any_choice_is_a_config_that_can_run(method: str, seed: int, tmp_path: Path):
    """Whatever is asked for: the text is the config, each choice stands at its setting."""
    draw = random.Random(seed)
    folder = facts(
        draw.choice([50, 99, 700, 30_000]),
        draw.randint(8, 600),
        draw.random() < 0.5,
        gray=draw.choice([0, 0.5, 1]),
    )
    machine = draw.choice([CPU, GPU, GPU._replace(gpus=4, bfloat16=False, gpu_memory=8)])
    init = draw.choice([None, '/a.pth'])
    epochs = draw.choice([None, 1, 2, 3, 17])
    asked = Request('/photos', draw.choice(['resnet18', 'resnet50']), epochs, method, init=init)
    choices = choose(folder, machine, asked)
    built = build_config(folder, asked, choices, Path('/labels'))
    file = tmp_path / 'config.py'
    file.write_text(config_text(built, choices, asked.command()))
    config = Config.fromfile(file)
    assert config._cfg_dict.to_dict() == Config(built)._cfg_dict.to_dict()
    assert max(map(len, file.read_text().splitlines())) <= 100
    check_config(config)
    check_views(config)
    assert unfit_schedules(config) is None
    for name, choice in choices.items():
        assert_holds(config, name, choice)
    steps = len(folder.files) // config.train_dataloader.batch_size
    assert steps >= DEFAULTS.fewest_steps
    assert 1 <= config.model.queue.length <= len(folder.files) / 2
    assert ('knn' in config.default_hooks) == (folder.classes is not None)
    hook = config.default_hooks.get('clustering')
    assert (hook is not None) == (method == 'rcl')
    if hook:
        assert hook.warmup_epochs < config.train_cfg.max_epochs
        assert config.model.hierarchy.num_levels == len(hook.source.mean_sizes) + 1
        assert config.model.head.predictor.num_predictors == config.model.hierarchy.num_levels


def assert_holds(config: Config, name: str, choice: Choice) -> None:
    node: Any = config._cfg_dict
    for key in choice.setting.split('.'):
        node = node[int(key) if isinstance(node, list) else key]
    if isinstance(choice.value, (int, float, list)) and name not in ('processes', 'warm-up'):
        assert node == choice.value, name


def test_reasons_stand_above_their_settings():
    config = dict(a=dict(b=[dict(c=1, d=2), 3]), e='x')
    choices = dict(
        size=Choice('a.b.0.d', 2, 'why'), name=Choice('e', 'x', 'because'), all=Choice('a', '', 'A')
    )
    assert config_text(config, choices, 'head').splitlines() == [
        '# head',
        '',
        '# all : A',
        'a = dict(',
        '    b=[',
        '        dict(',
        '            c=1,',
        '            # size 2: why',
        '            d=2,',
        '        ),',
        '        3,',
        '    ],',
        ')',
        '# name x: because',
        "e = 'x'",
    ]


def test_a_command_is_known_by_what_decides_on_the_config(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = Request('my photos', epochs=3).resolved()
    expected = f"mmrcl pretrain '{tmp_path}/my photos' --model resnet18 --epochs 3 --method rcl"
    assert asked.command() == expected
    assert Request(str(tmp_path / 'my photos'), epochs=3).resolved() == asked
    with pytest.raises(ConfigError, match='--labels a.csv is no file'):
        Request('a', labels='a.csv').resolved()
