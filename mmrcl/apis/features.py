"""Features of a folder of images, by any encoder."""

import warnings
from collections.abc import Sequence
from os.path import relpath
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmrcl.datasets import UNREADABLE, ImageFolder
from mmrcl.features import pooled
from mmrcl.progress import progress

from .encoders import Encoder

__all__ = ['Features', 'class_numbers', 'extract_features']


class Features(NamedTuple):
    """Features of N images.

    Attributes:
        vectors: shape (N, d), float32, on the CPU.
        paths: the files, in the order of ``vectors``.
        classes: names of their classes, or None where these are not known.
    """

    vectors: Tensor
    paths: list[str]
    classes: list[str] | None = None


def extract_features(
    encoder: Encoder,
    images: str | Path | Sequence[str | Path],
    class_folders: bool = False,
    batch_size: int = 64,
    num_workers: int = 0,
) -> Features:
    """Runs an encoder over image files; shows progress and the time left.

    A file that cannot be read is left out, and a warning names it.

    Args:
        encoder: of :func:`load_encoder` or :func:`wrap_encoder`.
        images: a folder, of which all images count, at any depth, sorted by path; or files.
        class_folders: whether the first folder below ``images`` is the class of an image.
        batch_size: images that the network sees at once.
        num_workers: processes that read images beside this one.

    Raises:
        ValueError: if the folder is not there or has no image, no image can be read, images come
            out in different shapes, or an image lies in no folder of a class.
    """
    paths = _files(images)
    classes = _class_folders(images, paths) if class_folders else None
    files = _Files(encoder, paths)
    loader = DataLoader(files, batch_size, num_workers=num_workers, collate_fn=list)
    vectors, found, faults = torch.empty(0), list[int](), list[str]()
    for batch in progress(loader, 'Extracting features'):
        read = [(index, pixels) for index, pixels in batch if isinstance(pixels, Tensor)]
        faults += [fault for _, fault in batch if isinstance(fault, str)]
        if read:
            rows = _encode(encoder.network, [pixels for _, pixels in read])
            if not found:  # One allocation: features of ImageNet are 10 GB.
                vectors = rows.new_empty(len(paths), rows.shape[1])
            vectors[len(found) : len(found) + len(rows)] = rows
            found += [index for index, _ in read]
    _tell_unreadable(faults, len(paths))
    kept = [paths[index] for index in found]
    names = None if classes is None else [classes[index] for index in found]
    return Features(vectors[: len(found)], kept, names)


def class_numbers(classes: Sequence[str], names: Sequence[str]) -> Tensor:
    """Positions in ``names`` of the classes of N images, shape (N,)."""
    number = {name: index for index, name in enumerate(names)}
    return torch.tensor([number[name] for name in classes])


class _Files(Dataset):
    """Position and pixels of each file; of one that cannot be read what is wrong with it."""

    def __init__(self, encoder: Encoder, paths: Sequence[str]) -> None:
        self.read = encoder.read
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[int, Tensor | str]:
        try:
            return index, self.read(self.paths[index])
        except UNREADABLE as error:
            return index, f'{self.paths[index]} ({error})'


def _files(images: str | Path | Sequence[str | Path]) -> list[str]:
    if not isinstance(images, (str, Path)):
        return [str(path) for path in images]
    dataset = ImageFolder(data_root=str(images))
    return [dataset.get_data_info(index)['img_path'] for index in range(len(dataset))]


def _class_folders(images: str | Path | Sequence[str | Path], paths: Sequence[str]) -> list[str]:
    if not isinstance(images, (str, Path)):
        raise ValueError('class_folders=True needs the folder that holds those of the classes')
    parts = [Path(relpath(path, Path(images).expanduser())).parts for path in paths]
    for path, (*folders, _) in zip(paths, parts, strict=True):
        if not folders:
            raise ValueError(f'{path} lies in no folder of a class: move it to that of its class')
    return [first for first, *_ in parts]


@torch.no_grad()
def _encode(network: nn.Module, images: Sequence[Tensor]) -> Tensor:
    shapes = {tuple(image.shape) for image in images}
    if len(shapes) > 1:
        raise ValueError(
            f'images come out in shapes such as {sorted(shapes)[:3]}: let the transform of the '
            'encoder (test_dataloader.dataset.pipeline of its config) resize and crop them to one'
        )
    device = next((tensor.device for tensor in network.parameters()), torch.device('cpu'))
    return pooled(network(torch.stack(list(images)).to(device))).float().cpu()


def _tell_unreadable(faults: Sequence[str], total: int) -> None:
    if not faults:
        return
    named = ', '.join(faults[:3])
    if len(faults) == total:
        raise ValueError(f'none of {total} files can be read as an image, such as {named}')
    warnings.warn(f'{len(faults)} files cannot be read and are left out: {named}', stacklevel=3)
