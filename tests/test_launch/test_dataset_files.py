"""Complete trees of ImageNet, COCO and VOC pass; without a piece, a sentence says what to do."""

import os
import shutil
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmrcl.errors import ConfigError
from mmrcl.launch import prepare_test, prepare_training
from mmrcl.launch.dataset_files import missing_pieces
from mmrcl.registry import DATASETS

CLASSES = [f'n{number:08d}' for number in range(1440764, 1441764)]
COCO_FILES = (
    'annotations/instances_train2017.json',
    'annotations/instances_val2017.json',
    'train2017/1.jpg',
    'val2017/2.jpg',
)
VOC_FILES = [
    f'{year}/{name}'
    for year in ('VOC2007', 'VOC2012')
    for name in ('ImageSets/Main/trainval.txt', 'JPEGImages/1.jpg', 'Annotations/1.xml')
] + ['VOC2007/ImageSets/Main/test.txt']
TRAIN_TAR, VAL_TAR = 'ILSVRC2012_img_train.tar', 'ILSVRC2012_img_val.tar'
TRAINVAL_2007, TEST_2007 = 'VOCtrainval_06-Nov-2007.tar', 'VOCtest_06-Nov-2007.tar'
TRAINVAL_2012 = 'VOCtrainval_11-May-2012.tar'


def write(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text('x')
    return root


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def imagenet(root: Path, split: str, **settings: object) -> dict:
    return dict(type='ImageNet', data_root=str(root), split=split, **settings)


def coco(root: Path, split: str, kind: str = 'CocoDataset') -> dict:
    return dict(
        type=kind,
        data_root=f'{root}/',
        ann_file=f'annotations/instances_{split}2017.json',
        data_prefix=dict(img=f'{split}2017/'),
    )


def voc(root: Path, year: str, split: str, kind: str = 'VOCDataset') -> dict:
    return dict(
        type=kind,
        data_root=f'{root}/',
        ann_file=f'{year}/ImageSets/Main/{split}.txt',
        data_prefix=dict(sub_data_root=f'{year}/'),
    )


@pytest.fixture(scope='module')
def imagenet_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('data') / 'imagenet'
    files = [f'{split}/{name}/1.JPEG' for split in ('train', 'val') for name in CLASSES]
    return write(root, *files)


@pytest.fixture
def imagenet_root(imagenet_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(imagenet_once, tmp_path / 'imagenet', copy_function=os.link))


@pytest.fixture
def coco_root(tmp_path: Path) -> Path:
    return write(tmp_path / 'coco', *COCO_FILES)


@pytest.fixture
def voc_root(tmp_path: Path) -> Path:
    return write(tmp_path / 'VOCdevkit', *VOC_FILES)


def test_complete_trees_pass(imagenet_once: Path, coco_root: Path, voc_root: Path):
    nodes = [imagenet(imagenet_once, split) for split in ('train', 'val')]
    nodes += [coco(coco_root, split) for split in ('train', 'val')]
    nodes += [voc(voc_root, year, 'trainval') for year in ('VOC2007', 'VOC2012')]
    assert missing_pieces([*nodes, voc(voc_root, 'VOC2007', 'test')]) == []


@pytest.mark.parametrize(
    ('split', 'piece', 'says'),
    [
        ('train', 'train', [TRAIN_TAR, 'image-net.org', 'registration', 'train is missing']),
        ('val', 'val', [VAL_TAR, 'sort the images into class folders', 'val is missing']),
        ('train', f'train/{CLASSES[3]}', ['999 class folders', f'{CLASSES[3]} is missing']),
        ('val', f'val/{CLASSES[3]}', ['999 class folders', f'{CLASSES[3]} is missing', VAL_TAR]),
        ('train', f'train/{CLASSES[5]}/1.JPEG', [f'empty class folders ({CLASSES[5]})']),
    ],
)
def test_imagenet_without_a_piece(imagenet_root: Path, split: str, piece: str, says: list[str]):
    remove(imagenet_root / piece)
    (sentence,) = missing_pieces([imagenet(imagenet_root, split)])
    assert sentence.startswith(f'{imagenet_root}/{split} ')
    assert all(part in sentence for part in says), sentence


def test_unsorted_validation_images(tmp_path: Path):
    write(tmp_path, *(f'val/ILSVRC2012_val_{i:08d}.JPEG' for i in range(1, 2500)))
    (sentence,) = missing_pieces([imagenet(tmp_path, 'val')])
    assert 'val has 0 class folders instead of 1,000: ' in sentence
    assert 'sort the images' in sentence


def test_a_folder_that_is_no_class(imagenet_root: Path):
    write(imagenet_root, 'train/thumbnails/1.JPEG')
    (sentence,) = missing_pieces([imagenet(imagenet_root, 'train')])
    assert '1001 class folders instead of 1,000 (thumbnails is none)' in sentence


def test_lists_and_own_classes_need_no_class_folders(tmp_path: Path):
    write(tmp_path, 'val/1.JPEG', 'meta/val.txt', 'train/cat/1.JPEG', 'test/1.JPEG')
    nodes = [imagenet(tmp_path, 'val'), imagenet(tmp_path, 'test')]
    nodes += [imagenet(tmp_path, 'train', classes=['cat'])]
    nodes += [dict(type='ImageNet', data_root=str(tmp_path), data_prefix=dict(img_path='val'),
                   ann_file='meta/val.txt')]  # fmt: skip
    assert missing_pieces(nodes) == []


@pytest.mark.parametrize(
    ('ann_file', 'command'),
    [
        ('meta/train_1pct.txt', '--percent 1 --list 1percent.txt'),
        ('meta/train_10pct.txt', '--percent 10 --list 10percent.txt'),
        ('meta/train_10pct_balanced_seed3.txt', '--percent 10 --seed 3'),
    ],
)
def test_a_missing_list_names_the_command_that_writes_it(tmp_path, ann_file, command):
    write(tmp_path, 'train/n01440764/1.JPEG')
    (sentence,) = missing_pieces([imagenet(tmp_path, 'train', ann_file=ann_file)])
    assert f'`python tools/data/imagenet_subset.py {tmp_path} {command}`' in sentence


COCO_PIECES = {
    'annotations/instances_train2017.json': 'annotations_trainval2017.zip',
    'annotations/instances_val2017.json': 'annotations_trainval2017.zip',
    'train2017': 'train2017.zip',
    'val2017': 'val2017.zip',
    'val2017/2.jpg': 'val2017.zip',
}


@pytest.mark.parametrize('kind', ['CocoDataset', 'mmdet.CocoDataset'])
@pytest.mark.parametrize('piece', COCO_PIECES)
def test_coco_without_a_piece(coco_root: Path, piece: str, kind: str):
    remove(coco_root / piece)
    (sentence,) = missing_pieces(coco(coco_root, split, kind) for split in ('train', 'val'))
    assert f'download {COCO_PIECES[piece]} from https://cocodataset.org' in sentence
    assert sentence.endswith(f'unpack it in {coco_root}')


@pytest.mark.parametrize(
    ('piece', 'archives'),
    [
        ('VOC2007/ImageSets/Main/trainval.txt', [TRAINVAL_2007]),
        ('VOC2007/ImageSets/Main/test.txt', [TEST_2007]),
        ('VOC2007/JPEGImages', [TRAINVAL_2007, TEST_2007]),
        ('VOC2007/Annotations', [TRAINVAL_2007, TEST_2007]),
        ('VOC2012/ImageSets/Main/trainval.txt', [TRAINVAL_2012]),
        ('VOC2012/JPEGImages/1.jpg', [TRAINVAL_2012]),
    ],
)
def test_voc_without_a_piece(voc_root: Path, piece: str, archives: list[str]):
    remove(voc_root / piece)
    nodes = [voc(voc_root, year, 'trainval') for year in ('VOC2007', 'VOC2012')]
    found = missing_pieces([*nodes, voc(voc_root, 'VOC2007', 'test', 'mmdet.VOCDataset')])
    assert len(found) == len(archives)
    for sentence, archive in zip(found, archives, strict=True):
        assert f'download {archive} from http://host.robots.ox.ac.uk' in sentence
        assert sentence.endswith(f'goes to {voc_root}/{piece[:7]}')


def test_custom_data_in_these_formats(tmp_path: Path):
    write(tmp_path, 'labels.json', 'photos/1.jpg')
    node = dict(type='CocoDataset', data_root=str(tmp_path), ann_file='labels.json',
                data_prefix=dict(img='photos'))  # fmt: skip
    assert missing_pieces([node]) == []
    (sentence,) = missing_pieces([dict(node, ann_file='other.json')])
    assert sentence == (
        f'{tmp_path}/other.json is missing: set data_root, ann_file and data_prefix of '
        'CocoDataset to where your data is'
    )


def test_what_passes_is_what_mmpretrain_reads(imagenet_once: Path):
    # Whatever scope a run before has left.
    with DefaultScope.overwrite_default_scope('mmrcl'):
        for split in ('train', 'val'):
            assert len(DATASETS.build(imagenet(imagenet_once, split))) == len(CLASSES)


@pytest.mark.parametrize('name', ['coco_instance', 'voc0712'])
def test_loaders_of_mmdets_own_configs(tmp_path, monkeypatch, name):
    mmdet = pytest.importorskip('mmdet')
    path = Path(mmdet.__file__).parent / f'.mim/configs/_base_/datasets/{name}.py'
    config = Config.fromfile(path)
    config.update(model=dict(), train_cfg=dict(), optim_wrapper=dict())
    write(tmp_path / 'data/coco', *COCO_FILES)
    write(tmp_path / 'data/VOCdevkit', *VOC_FILES)
    monkeypatch.chdir(tmp_path)
    prepare_training(config, None, None, False)
    for piece in ('coco/train2017', 'VOCdevkit/VOC2012/JPEGImages'):
        remove(tmp_path / 'data' / piece)
    with pytest.raises(ConfigError, match='complete\n- data/[^\n]* is missing: download [^\n]*$'):
        prepare_training(config, None, None, False)


def test_what_is_not_on_a_local_disk_is_passed_over():
    assert missing_pieces([coco(Path('s3:'), 'train') | dict(data_root='s3://bucket/coco/')]) == []


def detection_config(root: Path) -> Config:
    """Loaders wrapped as mmdet's own bases do."""
    both = [voc(root / 'VOCdevkit', year, 'trainval') for year in ('VOC2007', 'VOC2012')]
    wrapped = dict(type='ConcatDataset', ignore_keys=['dataset_type'], datasets=both)
    repeated = dict(type='RepeatDataset', times=3, dataset=wrapped)
    part = dict(optimizer=dict(type='SGD', lr=0.1))
    return Config(
        dict(
            model=dict(type='FasterRCNN'),
            train_dataloader=dict(dataset=repeated),
            val_dataloader=dict(dataset=coco(root / 'coco', 'val')),
            test_dataloader=dict(dataset=voc(root / 'VOCdevkit', 'VOC2007', 'test')),
            train_cfg=dict(max_epochs=1),
            test_cfg=dict(),
            optim_wrapper=part,
        )
    )


def test_training_and_testing_name_all_that_is_missing(tmp_path: Path):
    write(tmp_path / 'coco', *COCO_FILES)
    write(tmp_path / 'VOCdevkit', *VOC_FILES)
    for piece in ('VOCdevkit/VOC2012', 'coco/val2017', 'VOCdevkit/VOC2007/ImageSets/Main/test.txt'):
        remove(tmp_path / piece)
    with pytest.raises(ConfigError) as training:
        prepare_training(detection_config(tmp_path), None, None, False)
    sentences = str(training.value).splitlines()[1:]
    assert [('2012' in line, 'val2017.zip' in line) for line in sentences] == (
        3 * [(True, False)] + [(False, True)]
    )
    with pytest.raises(ConfigError, match=TEST_2007) as testing:
        prepare_test(detection_config(tmp_path), 'checkpoint.pth')
    assert 'val2017' not in str(testing.value)
