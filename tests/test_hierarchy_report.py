"""tools/analysis/hierarchy_report.py, as a user would call it."""

import base64
import json
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmrcl.models import LevelRetriever, NearestRetriever
from mmrcl.registry import MODELS

from .runs import CONFIG, TINY, tiny_config

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / 'tools/analysis/hierarchy_report.py'
IMAGES = 192
OPTIONS = [f'{key}={value}' for key, value in TINY.items()]
OPTIONS.append(f'plain_train_dataloader.dataset.indices={IMAGES}')


@pytest.fixture
def report(monkeypatch):
    """Runs the script as a command line would."""

    def run(*arguments: object, options: list[str] = OPTIONS) -> None:
        command = [SCRIPT, *arguments, *(['--cfg-options', *options] if options else [])]
        monkeypatch.setattr(sys, 'argv', [str(part) for part in command])
        runpy.run_path(str(SCRIPT), run_name='__main__')

    return run


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """A random model of 192 digits with a random hierarchy and a full queue."""
    torch.manual_seed(0)
    config = tiny_config(tmp_path_factory.mktemp('model'))
    with DefaultScope.overwrite_default_scope('mmrcl'):
        model = MODELS.build(dict(config.model, data_preprocessor=config.data_preprocessor))
    model.hierarchy.allocate(IMAGES)
    model.hierarchy.set_bank(torch.randn(IMAGES, 16))
    fine = torch.randint(0, 60, (IMAGES,))
    coarse = torch.randint(0, 20, (60,))[fine]
    model.hierarchy.set_labels(torch.stack([fine, coarse]))
    entries = torch.randperm(IMAGES)[:96]
    model.queue.enqueue(model.hierarchy.bank[entries], entries)
    return model


@pytest.fixture(scope='module')
def checkpoint(model, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('run')
    rows = [{'loss': 2.0, 'iter': 6, 'epoch': 1, 'step': 6}, {'knn/top1': 0.5, 'step': 6}]
    log = folder / '20260101_000000/vis_data'
    log.mkdir(parents=True)
    (log / 'scalars.json').write_text('\n'.join(map(json.dumps, rows)))
    torch.save({'state_dict': model.state_dict(), 'meta': {'seed': 7}}, folder / 'epoch_1.pth')
    return folder / 'epoch_1.pth'


def content(path: Path) -> dict:
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())
    return json.loads(text[1])


def shown(page: dict, name: str) -> np.ndarray:
    packed = page['arrays'][name]
    kind = {'Uint8Array': 'u1', 'Uint16Array': '<u2', 'Uint32Array': '<u4'}[packed['type']]
    return np.frombuffer(base64.b64decode(packed['base64']), kind).astype(int)


def test_the_page_of_a_checkpoint(report, checkpoint, model, capsys):
    report(CONFIG, checkpoint, '--queries', 8)
    path = checkpoint.with_name('hierarchy_report.html')
    assert f'written: {path}' in capsys.readouterr().out
    page = content(path)
    assert page['title'] == CONFIG.stem
    about = dict(page['about'])
    assert about['Images'] == '192' and about['Seed'] == '7' and about['Clustered'] == 'projection'
    assert page['classNames'] == list('0123456789')
    assert [panel['title'] for panel in page['curves']] == ['Loss and its parts', 'kNN accuracy']
    labels = model.hierarchy.labels
    assert [row['clusters'] for row in page['levels']] == [len(row.unique()) for row in labels]
    assert len(page['queries']) == 8


def test_retrievals_are_the_models_and_the_banks(report, checkpoint, model):
    report(CONFIG, checkpoint)
    page = content(checkpoint.with_name('hierarchy_report.html'))
    retriever, nearest = page['retrieved']
    name = 'Random image of its coarsest cluster, among the latest of the training'
    assert retriever['name'] == name and nearest['name'] == 'Nearest of all images'
    bank, coarse = model.hierarchy.bank, model.hierarchy.labels[-1]
    entries = set(model.queue.indices.tolist())
    found = 0
    for query, keys, cosines in zip(
        page['queries'], retriever['keys'], retriever['cosines'], strict=True
    ):
        same_cluster = [i for i in entries if coarse[i] == coarse[query] and i not in (query, -1)]
        [key] = keys
        assert key in (same_cluster or [-1])
        if same_cluster:
            found += 1
            assert cosines[0] == pytest.approx(float(bank[key] @ bank[query]), abs=1e-3)
    assert found > 0
    for query, keys in zip(page['queries'], nearest['keys'], strict=True):
        others = sorted(set(range(IMAGES)) - {query}, key=lambda i: -float(bank[i] @ bank[query]))
        assert keys == others[:3]


def test_a_part_is_whole_clusters_and_what_was_retrieved(report, checkpoint, model, tmp_path):
    report(CONFIG, checkpoint, '--images', 60, '--queries', 4, '--out', tmp_path / 'part.html')
    page = content(tmp_path / 'part.html')
    numbers = shown(page, 'numbers')
    assert 60 <= len(numbers) <= 60 + 4 * 4
    retrieved = {numbers[key] for row in page['retrieved'] for keys in row['keys'] for key in keys}
    coarse = model.hierarchy.labels[-1].numpy()
    missing = set(range(IMAGES)) - set(numbers)
    torn = set(coarse[list(set(numbers) - retrieved)]) & set(coarse[list(missing)])
    assert len(torn) <= 1
    assert dict(page['about'])['Images'] == f'{len(numbers)} of 192, in whole clusters'
    tiles = shown(page, 'tiles')
    assert sorted(tiles) == list(range(len(numbers)))


def test_retrievers_are_described_in_plain_words():
    name = runpy.run_path(str(SCRIPT))['retriever_name']
    assert name(LevelRetriever('nearest', 'bank')) == (
        'Nearest image of its cluster at each level, among all images'
    )
    assert name(NearestRetriever()).startswith('Nearest other image, ')

    class Own(LevelRetriever):
        """A user's own."""

    assert name(Own()).startswith('Nearest image by Own, ')


def test_a_table_without_pyarrow_stops_before_work(report, checkpoint, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(SystemExit, match='error: --parquet: .* pip install pyarrow'):
        report(CONFIG, checkpoint, '--parquet', tmp_path / 'table.parquet')
    assert not list(tmp_path.iterdir())


def test_a_page_without_queries(report, checkpoint, tmp_path):
    report(CONFIG, checkpoint, '--queries', 0, '--out', tmp_path / 'page.html')
    assert content(tmp_path / 'page.html')['queries'] == []


def test_colour_images_are_shown_in_rgb(monkeypatch):
    tool = runpy.run_path(str(SCRIPT))

    class Red:
        """Images as OpenCV reads them: blue first."""

        metainfo: dict = {}

        def __getitem__(self, index):
            pixels = torch.zeros(3, 20, 30, dtype=torch.uint8)
            pixels[2] = 200
            if index == 1:
                raise OSError('torn')
            return {'inputs': pixels}

        def get_data_info(self, index):
            return {'gt_label': index}

    thumbnails = tool['Thumbnails'](Red(), torch.tensor([5, 1]), bgr=True)
    image, kind = thumbnails[0]
    assert image.shape == (20, 20, 3) and kind == 5
    assert image[0, 0].tolist() == [200, 0, 0]
    blank, kind = thumbnails[1]
    assert not blank.any() and kind == 1


WRONG = {
    'no config': (['nowhere.py', 'CHECKPOINT'], [], 'config file nowhere.py does not exist'),
    'no checkpoint': ([CONFIG, 'nowhere.pth'], OPTIONS, 'checkpoint nowhere.pth does not exist'),
    'no hierarchy': (
        [
            ROOT / 'configs/baselines/instance-discrimination_resnet18_1xb128-coslr-30e_digits.py',
            'CHECKPOINT',
        ],
        [],
        'has no hierarchy: pass a config with model.hierarchy',
    ),
    'another config': ([CONFIG, 'CHECKPOINT'], [], 'does not fit the model of the config'),
    'other images': (
        [CONFIG, 'CHECKPOINT'],
        [*OPTIONS, 'default_hooks.clustering.dataloader.dataset.indices=100'],
        'has 100 images, the hierarchy of the checkpoint 192',
    ),
    'missing data': (
        [ROOT / 'configs/rcl/rcl_resnet50_8xb512-coslr-200e_in1k.py', 'CHECKPOINT'],
        [],
        'data/imagenet',
    ),
    'unreadable data': (
        [CONFIG, 'CHECKPOINT'],
        [*OPTIONS, 'default_hooks.clustering.dataloader.dataset.split=val'],
        "Digits has no split 'val'",
    ),
    'no images': ([CONFIG, 'CHECKPOINT', '--images', 0], OPTIONS, '--images must be at least 1'),
    'unknown key': ([CONFIG, 'CHECKPOINT'], ['modle.queue.length=4'], 'did you mean model?'),
}


@pytest.mark.parametrize('case', WRONG)
def test_bad_input_stops_with_a_sentence(report, checkpoint, case, tmp_path):
    arguments, options, sentence = WRONG[case]
    arguments = [checkpoint if part == 'CHECKPOINT' else part for part in arguments]
    with pytest.raises(SystemExit) as stopped:
        report(*arguments, '--out', tmp_path / 'page.html', options=options)
    assert str(stopped.value).startswith('error: ')
    assert sentence in str(stopped.value)
    assert not (tmp_path / 'page.html').exists()


def test_a_page_that_cannot_be_written_stops_with_a_sentence(report, checkpoint, tmp_path):
    with pytest.raises(SystemExit, match='error: .*Is a directory'):
        report(CONFIG, checkpoint, '--out', tmp_path)


def test_a_checkpoint_of_the_warm_up_is_refused(report, model, tmp_path):
    state = model.state_dict() | {'hierarchy.initialized': torch.tensor(False)}
    torch.save({'state_dict': state}, tmp_path / 'epoch_1.pth')
    with pytest.raises(SystemExit, match='saved before the images were clustered'):
        report(CONFIG, tmp_path / 'epoch_1.pth')
