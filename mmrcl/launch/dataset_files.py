"""Check of the files of ImageNet, COCO and VOC, and where to download missing ones.

The paths come from the data set's own settings (``data_root``, ``ann_file``, ``data_prefix``), so
copies under other names work too. No folder is listed except the class folders of ImageNet.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

NUM_CLASSES = 1000
_WORDNET_ID = re.compile(r'n\d{8}')
PUBLISHED_LISTS = 'https://github.com/google-research/simclr/tree/master/imagenet_subsets'
_IMAGENET = 'https://image-net.org (ILSVRC2012, after registration)'
_COCO = 'https://cocodataset.org/#download'
_VOC = 'http://host.robots.ox.ac.uk/pascal/VOC'
_SUBSET_TOOL = 'python tools/data/imagenet_subset.py {root} --percent {0}'

# For each type of data set: a pattern of the setting's value, and the remedy if it is missing.
_REMEDIES = {
    'ImageNet': {
        r'(?:^|/)train$': (
            f'download ILSVRC2012_img_train.tar from {_IMAGENET}, unpack it, and each of the 1,000 '
            'archives in it into a folder of its own, {path}/n01440764/ and so on'
        ),
        r'(?:^|/)val$': (
            f'download ILSVRC2012_img_val.tar from {_IMAGENET}, unpack it, and sort the images '
            'into class folders named as those of the training images, {path}/n01440764/ and so on'
        ),
        r'train_([\d.]+)pct_balanced_seed(\d+)\.txt$': f'write it by `{_SUBSET_TOOL} --seed {{1}}`',
        r'train_([\d.]+)pct\.txt$': (
            f'download {{0}}percent.txt from {PUBLISHED_LISTS} and write it by '
            f'`{_SUBSET_TOOL} --list {{0}}percent.txt`'
        ),
    },
    'CocoDataset': {
        r'(?:^|/)(train|val)2017$': (
            f'download {{0}}2017.zip from {_COCO} and unpack it in {{root}}'
        ),
        r'annotations/instances_(?:train|val)2017\.json$': (
            f'download annotations_trainval2017.zip from {_COCO} and unpack it in {{root}}'
        ),
    },
    'VOCDataset': {
        rf'(VOC{year})/.*/{name}\.txt$': (
            f'download {archive} from {_VOC}; its folder VOCdevkit/{{0}} goes to {{root}}/{{0}}'
        )
        for year, name, archive in (
            (2007, 'test', 'VOCtest_06-Nov-2007.tar'),
            (2007, '(?:train|val|trainval)', 'VOCtrainval_06-Nov-2007.tar'),
            (2012, '(?:train|val|trainval)', 'VOCtrainval_11-May-2012.tar'),
        )
    },
}


class Piece(NamedTuple):
    """A file or folder that a data set reads.

    Attributes:
        path: its expected location.
        named_by: value of the setting that identifies the download.
        problem: function that returns what is wrong with a path, or None.
    """

    path: str
    named_by: str
    problem: Callable[[str], str | None]


def missing_pieces(nodes: Iterable[dict[str, Any]]) -> list[str]:
    """List the files and folders of ImageNet, COCO and VOC data sets that are missing on disk.

    Args:
        nodes: dicts of a config. Other data sets and remote paths are ignored.

    Returns:
        A sentence for each missing piece: its expected location, the download and its place.
    """
    wanted: dict[Piece, str] = {}
    for node in nodes:
        kind = str(node.get('type')).rpartition('.')[2]
        for piece in _PIECES[kind](node) if kind in _PIECES else ():
            if '://' not in piece.path:
                wanted.setdefault(piece, _remedy(kind, node.get('data_root') or '', piece))
    return [
        f'{piece.path} {problem}: {remedy}'
        for piece, remedy in wanted.items()
        if (problem := piece.problem(os.path.expanduser(piece.path)))
    ]


def _remedy(kind: str, root: str, piece: Piece) -> str:
    for pattern, remedy in _REMEDIES[kind].items():
        if match := re.search(pattern, piece.named_by):
            return remedy.format(*match.groups(), root=root.rstrip('/'), path=piece.path)
    return f'set data_root, ann_file and data_prefix of {kind} to where your data is'


def _imagenet(node: dict[str, Any]) -> Iterator[Piece]:
    root, split, ann_file = (node.get(key) or '' for key in ('data_root', 'split', 'ann_file'))
    prefix = node.get('data_prefix') or split
    folder = _below(root, prefix.get('img_path', '') if isinstance(prefix, dict) else prefix)
    listed = ann_file or os.path.isfile(_below(root, f'meta/{split}.txt'))
    other = 'classes' in node or 'metainfo' in node or split == 'test'
    yield Piece(folder, folder, _folder_problem if listed or other else _classes_problem)
    if ann_file:
        yield Piece(_below(root, ann_file), ann_file, _file_problem)


def _coco(node: dict[str, Any]) -> Iterator[Piece]:
    root, ann_file = (node.get(key) or '' for key in ('data_root', 'ann_file'))
    yield Piece(_below(root, ann_file), ann_file, _file_problem)
    for prefix in (node.get('data_prefix') or {}).values():
        yield Piece(_below(root, prefix), prefix.rstrip('/'), _folder_problem)


def _voc(node: dict[str, Any]) -> Iterator[Piece]:
    root, ann_file = (node.get(key) or '' for key in ('data_root', 'ann_file'))
    year = _below(root, (node.get('data_prefix') or {}).get('sub_data_root', ''))
    yield Piece(_below(root, ann_file), ann_file, _file_problem)
    for key, folder in (('img_subdir', 'JPEGImages'), ('ann_subdir', 'Annotations')):
        yield Piece(_below(year, node.get(key, folder)), ann_file, _folder_problem)


_PIECES = {'ImageNet': _imagenet, 'CocoDataset': _coco, 'VOCDataset': _voc}


def _below(root: str, name: str) -> str:
    return os.path.join(root, name).rstrip('/')


def _file_problem(path: str) -> str | None:
    if not os.path.isfile(path):
        return 'is not a file' if os.path.exists(path) else 'is missing'
    return None if os.path.getsize(path) else 'is empty'


def _folder_problem(path: str) -> str | None:
    if not os.path.isdir(path):
        return 'is not a folder' if os.path.exists(path) else 'is missing'
    return 'is empty' if _is_empty(path) else None


def _classes_problem(path: str) -> str | None:
    if problem := _folder_problem(path):
        return problem
    names = class_folders(path)
    odd = _shortened(_odd_names(path, names))
    if len(names) != NUM_CLASSES:
        return f'has {len(names)} class folders instead of {NUM_CLASSES:,}{odd}'
    if odd:
        return f'has other class folders than ILSVRC2012{odd}'
    empty = [name for name in names if _is_empty(os.path.join(path, name))]
    return f'has empty class folders{_shortened(empty)}' if empty else None


def class_folders(path: str) -> list[str]:
    """List the folders in a folder, sorted: their positions are the class labels.

    Names that begin with a dot are skipped, as :class:`mmrcl.datasets.CustomDataset` does. At most
    2,000 entries are read: a folder with more contains images, not classes.
    """
    with os.scandir(path) as entries:
        first = islice(entries, 2 * NUM_CLASSES)
        return sorted(each.name for each in first if each.is_dir() and each.name[0] != '.')


def _odd_names(path: str, names: list[str]) -> list[str]:
    """List folders that are no class or, if there are none, classes only in the other split."""
    unknown = [f'{name} is none' for name in names if not _WORDNET_ID.fullmatch(name)]
    splits = (os.path.join(os.path.dirname(path), split) for split in ('train', 'val'))
    known = {name for split in splits if os.path.isdir(split) for name in class_folders(split)}
    missing = sorted(filter(_WORDNET_ID.fullmatch, known - set(names)))
    return unknown or [f'{name} is missing' for name in missing]


def _is_empty(path: str) -> bool:
    with os.scandir(path) as entries:
        return next(entries, None) is None


def _shortened(names: list[str]) -> str:
    more = f' and {len(names) - 3} more' if len(names) > 3 else ''
    return f' ({", ".join(names[:3])}{more})' if names else ''
