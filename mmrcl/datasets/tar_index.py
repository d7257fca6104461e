"""Where the images in tar shards lie: read from the shards once, then from a file."""

import glob
import json
import operator
import os
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np
from mmengine.dist import barrier, is_main_process
from mmengine.logging import MMLogger

from mmrcl.progress import progress

__all__ = ['LABELS', 'SampleRules', 'ShardIndex', 'find_shards', 'index_name', 'shard_index']

LABELS = ('', 'cls', 'json')
FORMAT = 1  # of the index file
BLOCK = 512  # bytes of a tar archive
COMPRESSED = (b'\x1f\x8b', b'BZh', b'\xfd7zXZ', b'(\xb5/\xfd')


class SampleRules(NamedTuple):
    """Which members of a shard are a sample's, by webdataset's convention.

    Attributes:
        extensions: suffixes of images, with the dot, in lower case.
        label: suffix of the members with the labels, 'cls' or 'json', or '' for no labels.
        label_key: key of the label in a JSON member.
    """

    extensions: tuple[str, ...]
    label: str
    label_key: str


class ShardIndex(NamedTuple):
    """The N images of some shards, in the order of shards and members.

    Attributes:
        names: of the members, N strings.
        shards: position of the shard of each, (N,) int64.
        offsets: first byte of each in its shard, (N,) int64.
        sizes: in bytes, (N,) int64.
        labels: class numbers, (N,) int64; (0,) without labels.
    """

    names: list[str]
    shards: np.ndarray
    offsets: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray


class _Image(NamedTuple):
    name: str
    offset: int
    size: int


def find_shards(root: str, pattern: str) -> list[str]:
    """Return the paths of the shards below a folder that fit a pattern, sorted by name.

    Raises:
        ValueError: if there is none.
    """
    paths = sorted(filter(os.path.isfile, glob.glob(os.path.join(glob.escape(root), pattern))))
    if not paths:
        raise ValueError(
            f'TarShards: no file in {root!r} fits shards={pattern!r}: set data_root to the folder '
            'of the shards, and shards to a pattern of their names'
        )
    return paths


def index_name(pattern: str, rules: SampleRules) -> str:
    """Name the index file of shards: other shards or labels in one folder have another one."""
    parts = [pattern, rules.label, rules.label_key if rules.label == 'json' else '']
    return re.sub(r'[^\w.-]+', '_', '-'.join(filter(None, parts))) + '.index.npz'


def shard_index(root: str, paths: Sequence[str], rules: SampleRules, file: str) -> ShardIndex:
    """Read the index file of shards, and write it first if it does not exist.

    The main process writes it while the others wait. The file has the names, sizes and times of
    change of the shards that it was made of.

    Args:
        root: folder that the names of shards are relative to.
        paths: of the shards, from :func:`find_shards`.
        rules: which members are read.
        file: the index file, ``.npz``.

    Raises:
        ValueError: if shards cannot be read, the file is of other shards or cannot be written.
    """
    about = _about(root, paths, rules)
    with _main_process_first():
        if not os.path.exists(file):
            _write(file, about, paths, rules)
    return _read(file, about)


def _about(root: str, paths: Sequence[str], rules: SampleRules) -> dict[str, Any]:
    stats = map(os.stat, paths)
    shards = {
        os.path.relpath(path, root): [stat.st_size, stat.st_mtime_ns]
        for path, stat in zip(paths, stats, strict=True)
    }
    return dict(format=FORMAT, extensions=sorted(rules.extensions), shards=shards)


@contextmanager
def _main_process_first() -> Iterator[None]:
    if not is_main_process():
        barrier()
    try:
        yield
    finally:
        if is_main_process():
            barrier()


def _write(file: str, about: dict[str, Any], paths: Sequence[str], rules: SampleRules) -> None:
    try:
        with _replacing(file) as target:
            index = _scan(paths, rules)
            names = '\0'.join(index.names).encode(errors='surrogateescape')
            arrays = dict(index._asdict(), names=np.frombuffer(names, np.uint8))
            np.savez(target, about=np.array(json.dumps(about)), **arrays)
    except OSError as error:
        raise ValueError(
            f'TarShards: the index {file!r} cannot be written ({error}): set index_folder to a '
            'folder that you may write to'
        ) from error


@contextmanager
def _replacing(file: str) -> Iterator[IO[bytes]]:
    """Write a file that appears under its name when it is whole."""
    descriptor, partial = tempfile.mkstemp(dir=os.path.dirname(file) or '.', suffix='.partial')
    try:
        with os.fdopen(descriptor, 'wb') as target:
            yield target
        os.chmod(partial, 0o644)  # mkstemp hides it from other users.
        os.replace(partial, file)
    except BaseException:
        os.unlink(partial)
        raise


def _read(file: str, about: dict[str, Any]) -> ShardIndex:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            written = json.loads(arrays['about'].item())
            fields = {name: arrays[name] for name in ShardIndex._fields}
    except (EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'TarShards: the index {file!r} cannot be read ({error}): remove it, and it is made '
            'anew'
        ) from error
    if difference := _difference(written, about):
        raise ValueError(
            f'TarShards: the index {file!r} is of other shards: {difference}. Set data_root and '
            'shards to those it was made of or, for a training that starts anew, remove it or set '
            'index_folder to another folder'
        )
    fields['names'] = fields['names'].tobytes().decode(errors='surrogateescape').split('\0')
    return ShardIndex(**fields)


def _difference(written: dict[str, Any], about: dict[str, Any]) -> str | None:
    for key in ('format', 'extensions'):
        if written[key] != about[key]:
            return f'{key} was {written[key]} and is {about[key]}'
    old, new = written['shards'], about['shards']
    for name in sorted({*old, *new}):
        if name not in new:
            return f'{name} is missing'
        if name not in old:
            return f'{name} is new'
        for part, was, now in zip(('size', 'time of change'), old[name], new[name], strict=True):
            if was != now:
                return f'{name} has another {part}'
    return None


def _scan(paths: Sequence[str], rules: SampleRules) -> ShardIndex:
    numbers: list[int] = []
    images: list[_Image] = []
    labels: list[int] = []
    for number, path in enumerate(progress(paths, 'Reading where the images lie in the shards')):
        try:
            found, classes = _scan_shard(path, rules)
        except (OSError, tarfile.TarError) as error:
            raise ValueError(f'TarShards: {path!r} cannot be read: {error}') from error
        numbers += [number] * len(found)
        images += found
        labels += classes
    if not images:
        raise ValueError(
            f'TarShards: no image in {os.path.dirname(paths[0])!r} with a suffix of '
            f'{", ".join(rules.extensions)}: set extensions if yours differs'
        )
    names, offsets, sizes = zip(*images, strict=True)
    integers = [np.array(values, np.int64) for values in (numbers, offsets, sizes, labels)]
    return ShardIndex(list(names), *integers)


def _scan_shard(path: str, rules: SampleRules) -> tuple[list[_Image], list[int]]:
    """Return the images of a shard and, if the rules have labels, the class of each."""
    _check_archive(path)
    images: dict[str, _Image] = {}
    labels: dict[str, int] = {}
    passed: list[str] = []
    with tarfile.open(path, 'r:') as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # It would keep all of them.
            name = member.name.removeprefix('./')
            if member.isdir() or any(part.startswith('.') for part in name.split('/')):
                continue
            key, suffix = _key_and_suffix(name)
            if suffix in rules.extensions:
                _check_member(path, name, member, images.get(key))
                images[key] = _Image(name, member.offset_data, member.size)
            elif rules.label and suffix == f'.{rules.label}':
                labels[key] = _label(path, name, archive.extractfile(member), rules)
            elif suffix.endswith(rules.extensions):
                passed.append(name)
    if passed:
        _report_passed(path, passed)
    return list(images.values()), _labels_of(path, images, labels) if rules.label else []


def _key_and_suffix(name: str) -> tuple[str, str]:
    """Split the name of a member as webdataset does, at the first dot of its last part."""
    folder, slash, base = name.rpartition('/')
    stem, dot, suffix = base.partition('.')
    return f'{folder}{slash}{stem}', dot + suffix.lower()


def _check_archive(path: str) -> None:
    with open(path, 'rb') as file:
        head = file.read(6)
    if head.startswith(COMPRESSED):
        raise ValueError(
            f'TarShards: {path!r} is compressed, so an image could be read only after all before '
            'it: decompress the shards; image files are compressed already'
        )
    if os.path.getsize(path) % BLOCK:
        raise ValueError(
            f'TarShards: {path!r} is truncated, its size is no multiple of {BLOCK} bytes: copy it '
            'anew'
        )


def _check_member(path: str, name: str, member: tarfile.TarInfo, other: _Image | None) -> None:
    if not member.isreg() or member.issparse():
        raise ValueError(
            f'TarShards: {name!r} in {path!r} is a link or a sparse file: pack copies of the files '
            'with `tar --dereference --hard-dereference`'
        )
    if other is None:
        return
    if other.name == name:
        raise ValueError(f'TarShards: {path!r} has {name!r} twice: write the shard anew')
    raise ValueError(
        f'TarShards: a sample of {path!r} has two images, {other.name!r} and {name!r}: set '
        'extensions to the suffix of the one to read'
    )


def _label(path: str, name: str, file: IO[bytes] | None, rules: SampleRules) -> int:
    content = file.read() if file else b''
    try:
        if rules.label == 'cls':
            return int(content)
        return operator.index(json.loads(content)[rules.label_key])
    except (KeyError, TypeError, ValueError) as error:
        key = f' at {rules.label_key!r}' if rules.label == 'json' else ''
        raise ValueError(
            f'TarShards: {name!r} in {path!r} has no class number{key} ({error!r}): set label and '
            "label_key to where the numbers are, or label=''"
        ) from error


def _labels_of(path: str, images: dict[str, _Image], labels: dict[str, int]) -> list[int]:
    if missing := [image.name for key, image in images.items() if key not in labels]:
        raise ValueError(
            f'TarShards: {missing[0]!r} in {path!r} has no label beside it: set label to the '
            "suffix of the labels, 'cls' or 'json', or to '' for none"
        )
    return [labels[key] for key in images]


def _report_passed(path: str, names: Sequence[str]) -> None:
    suffix = _key_and_suffix(names[0])[1]
    MMLogger.get_current_instance().warning(
        f'{path}: {len(names)} members such as {names[0]!r} are not read, because the suffix of '
        f'a sample begins at its first dot. To read them, add {suffix!r} to extensions.'
    )
