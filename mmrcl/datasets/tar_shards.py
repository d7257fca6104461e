"""Images in tar shards, as webdataset writes them, read in any order."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.fileio import BaseStorageBackend, register_backend
from mmpretrain.datasets import BaseDataset

from mmrcl.registry import DATASETS, own_scope

from .class_folders import check_class_numbers
from .image_folder import SUFFIXES
from .tar_index import LABELS, SampleRules, find_shards, index_name, shard_index

__all__ = ['TarBackend', 'TarShards']

_ADDRESS = re.compile(r'tar://(.+?)@(\d+)\+(\d+)/.*', re.DOTALL)


@register_backend('tar', prefixes='tar')
class TarBackend(BaseStorageBackend):
    """Members of uncompressed tar files, by ``tar://SHARD@OFFSET+SIZE/MEMBER``.

    So all that reads images by mmengine's ``fileio`` reads them from shards.
    """

    def get(self, filepath: str | Path) -> bytes:
        """Read a member.

        Raises:
            OSError: if the shard cannot be read, or ends before the member.
        """
        address = _ADDRESS.fullmatch(str(filepath))
        if address is None:
            raise FileNotFoundError(f'{filepath} is not tar://SHARD@OFFSET+SIZE/MEMBER')
        shard, offset, size = address[1], int(address[2]), int(address[3])
        with open(shard, 'rb', buffering=0) as file:
            file.seek(offset)
            content = file.read(size)
        if len(content) < size:
            raise OSError(f'{shard} ends before the member')
        return content

    def get_text(self, filepath: str | Path, encoding: str = 'utf-8') -> str:
        """Read a member as text."""
        return self.get(filepath).decode(encoding)


@DATASETS.register_module()
class TarShards(BaseDataset):
    """Images in uncompressed tar files, sorted by shard and by place in it.

    Members belong together as in webdataset: those of one name up to the first dot. The order, and
    with it every ``sample_idx``, depends only on the shards. Images are read in any order, by an
    index of their places. It is written once, and refused for shards that have changed since.
    Hidden members (name begins with a dot) are skipped.

    Args:
        data_root: Folder of the shards; '~' stands for the home folder.
        shards: Pattern of their paths below ``data_root``, as of Python's ``glob``.
        label: Suffix of the members with the labels: 'cls' for a class number, 'json' for a JSON
            object, '' for no labels.
        label_key: Key of the class number in a JSON object.
        extensions: Suffixes of images, the whole name from its first dot.
        index_folder: Folder of the index file, by default ``data_root``.
        **kwargs: Further arguments of mmpretrain's ``BaseDataset``, such as ``pipeline`` and
            ``classes``.

    Raises:
        ValueError: If there are no shards or images, a shard is compressed or damaged, has an image
            twice, labels are missing, or the index is of other shards or cannot be written.
    """

    def __init__(
        self,
        data_root: str,
        shards: str = '*.tar',
        label: str = '',
        label_key: str = 'label',
        extensions: Sequence[str] = SUFFIXES,
        index_folder: str = '',
        **kwargs: Any,
    ) -> None:
        if label not in LABELS:
            raise ValueError(f'TarShards has no label={label!r}: set label to one of {LABELS}')
        if '://' in data_root or shards.startswith('pipe:') or '://' in shards:
            raise ValueError(
                'TarShards reads local files, because streamed images have no stable index: copy '
                f'the shards to a disk, instead of data_root={data_root!r} and shards={shards!r}'
            )
        root = os.path.expanduser(data_root)
        self.shards = shards
        self.rules = SampleRules(tuple(each.lower() for each in extensions), label, label_key)
        self.index_folder = os.path.expanduser(index_folder) or root
        with own_scope():
            super().__init__(ann_file='', data_root=root, **kwargs)

    def load_data_list(self) -> list[dict]:
        """List address and, with ``label``, class of every image."""
        paths = find_shards(self.data_root, self.shards)
        file = os.path.join(self.index_folder, index_name(self.shards, self.rules))
        index = shard_index(self.data_root, paths, self.rules, file)
        places = (index.shards.tolist(), index.offsets.tolist(), index.sizes.tolist())
        images: list[dict] = [
            dict(img_path=f'tar://{paths[shard]}@{offset}+{size}/{name}')
            for shard, offset, size, name in zip(*places, index.names, strict=True)
        ]
        if self.rules.label:
            labels = index.labels.tolist()
            place = os.path.join(self.data_root, self.shards)
            check_class_numbers(set(labels), self.CLASSES, place)
            for image, label in zip(images, labels, strict=True):
                image['gt_label'] = label
        return images

    def extra_repr(self) -> list[str]:
        """Name the shards in the printed form."""
        return [f'Shards: \t{os.path.join(self.data_root, self.shards)}']
