"""Features of a folder of images from any encoder."""

import warnings
from collections.abc import Sequence
from os import PathLike
from os.path import expanduser, join, relpath
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmrcl.arguments import check_features
from mmrcl.datasets import UnreadableImageError
from mmrcl.features import eval_mode, map_array, pooled
from mmrcl.launch import loading_errors
from mmrcl.progress import progress

from .encoders import Encoder
from .picture_fit import warn_of_misfit
from .plain_models import encoder_of
from .pretraining import image_files

__all__ = ['Features', 'class_numbers', 'extract_features', 'vectors_and_paths']


class Features(NamedTuple):
    """Features of N images.

    Attributes:
        vectors: shape (N, d), float32, on the CPU.
        paths: the files, in the order of ``vectors``.
        classes: class name of each image, or None if unknown.
    """

    vectors: Tensor
    paths: list[str]
    classes: list[str] | None = None

    def save(self, path: str | Path) -> None:
        """Write the vectors to ``path``, and files and classes to a text file beside it.

        The text has a line per image: its file and, after a tab, its class if known. Both files
        suit :class:`mmrcl.features.FileFeatures`.

        Args:
            path: a file ``.npy``; the text has the same name, but ``.txt``.

        Raises:
            ValueError: for another suffix, or a name with a tab or line break.
        """
        array, text = _pair(path)
        columns = [self.paths] if self.classes is None else [self.paths, self.classes]
        if odd := [name for names in columns for name in names if set(name) & set('\t\n\r')]:
            raise ValueError(f'{odd[0]!r} has a tab or a line break: rename it to save features')
        np.save(array, torch.as_tensor(self.vectors).cpu().numpy())
        lines = ('\t'.join(row) + '\n' for row in zip(*columns, strict=True))
        with text.open('w', encoding='utf-8') as file:
            file.writelines(lines)

    @classmethod
    def load(cls, path: str | Path) -> 'Features':
        """Read what :meth:`save` wrote; the vectors are memory-mapped.

        Raises:
            FileNotFoundError: if one of the two files does not exist.
            ValueError: if one is damaged, or they have different numbers of images.
        """
        array, text = _pair(path)
        vectors = map_array(array)
        if not text.is_file():
            raise FileNotFoundError(
                f'{text} does not exist, which names the images of {array}: keep both in one folder'
            )
        with text.open(encoding='utf-8') as file:
            rows = [line.rstrip('\n').split('\t') for line in file]
        if len(rows) != len(vectors):
            raise ValueError(
                f'{array} has {len(vectors)} rows, but {text} {len(rows)} lines: save them anew'
            )
        paths, *classes = map(list, zip(*rows, strict=True))
        return cls(vectors, paths, *classes)


def _pair(path: str | Path) -> tuple[Path, Path]:
    array = Path(path).expanduser()
    if array.suffix != '.npy':
        raise ValueError(f'{path} must end with .npy')
    return array, array.with_suffix('.txt')


def extract_features(
    encoder: Encoder | nn.Module,
    images: str | Path | Sequence[str | Path],
    class_folders: bool = False,
    batch_size: int = 64,
    num_workers: int = 0,
) -> Features:
    """Run an encoder over image files and show progress and the time left.

    Files that cannot be read are left out with a warning. Others warn of pictures that are much
    smaller than the encoder's input, or have other channels.

    Args:
        encoder: from :func:`load_encoder` or :func:`wrap_encoder`, or a model of timm, which is
            given its own transform, or of torchvision, given ImageNet's with a warning. Without
            its classifier, if it has one; the model stays as it is.
        images: a folder, searched recursively and sorted by path, or a list of files.
        class_folders: whether the first folder below ``images`` is the class of an image.
        batch_size: images per forward pass.
        num_workers: additional processes that read images.

    Raises:
        TypeError: for another model, or images that are not files.
        ValueError: if the folder is missing or has no image, no image can be read, images have
            different shapes after the transform, or an image is not in a class folder.
        TrainingError: if a process that reads images dies.
    """
    encoder = encoder_of(encoder)
    paths = _paths(images)
    classes = _class_folders(images, paths) if class_folders else None
    files = _Files(encoder, paths)
    loader = DataLoader(files, batch_size, num_workers=num_workers, collate_fn=list)
    vectors, found, faults = torch.empty(0), list[int](), list[str]()
    with loading_errors(), eval_mode(encoder.network):
        for batch in progress(loader, 'Extracting features'):
            read = [(index, pixels) for index, pixels in batch if isinstance(pixels, Tensor)]
            faults += [fault for _, fault in batch if isinstance(fault, str)]
            if read:
                _check_shapes(paths, read)
                rows = _encode(encoder.network, [pixels for _, pixels in read])
                if not found:
                    warn_of_misfit(paths, read[0][1].shape)
                    # Allocate once: features of ImageNet take 10 GB.
                    vectors = rows.new_empty(len(paths), rows.shape[1])
                vectors[len(found) : len(found) + len(rows)] = rows
                found += [index for index, _ in read]
    _report_unreadable(faults, len(paths))
    kept = [paths[index] for index in found]
    names = None if classes is None else [classes[index] for index in found]
    return Features(vectors[: len(found)], kept, names)


def vectors_and_paths(features: Features | Tensor) -> tuple[Tensor, list[str] | None]:
    """Return checked vectors (N, d) and files of :class:`Features`, or of vectors alone.

    Raises:
        ValueError: if there are no vectors, a value is NaN or Inf, or there are more or fewer
            files.
    """
    if not isinstance(features, Features):
        return check_features(features), None
    paths = [str(path) for path in features.paths]
    return check_features(features.vectors, 'features.vectors', len(paths)), paths


def class_numbers(classes: Sequence[Any], names: Sequence[Any]) -> Tensor:
    """Return the positions in ``names`` of the classes of N images, shape (N,)."""
    number = {name: index for index, name in enumerate(names)}
    return torch.tensor([number[name] for name in classes])


class _Files(Dataset):
    """Index and pixels of each file, or the index and the error for an unreadable one."""

    def __init__(self, encoder: Encoder, paths: Sequence[str]) -> None:
        self.read = encoder.read
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[int, Tensor | str]:
        try:
            return index, self.read(self.paths[index])
        except UnreadableImageError as error:
            return index, str(error)
        except OSError as error:  # of a foreign Encoder.read
            return index, f'{self.paths[index]} ({error})'


def _paths(images: str | Path | Sequence[str | Path]) -> list[str]:
    """Return the files of a folder, searched recursively and sorted by path, or of a list.

    Raises:
        TypeError: if the list holds anything but names of files.
        ValueError: if the folder is missing or has no image.
    """
    if isinstance(images, (str, Path)):
        return [join(expanduser(images), file) for file in image_files(images)]
    files = list(images)
    if odd := [file for file in files if not isinstance(file, (str, PathLike))]:
        raise TypeError(
            f'images must be a folder or a list of files, got {type(odd[0]).__name__} in it: '
            'write pictures in memory to files first'
        )
    return [str(file) for file in files]


def _class_folders(images: str | Path | Sequence[str | Path], paths: Sequence[str]) -> list[str]:
    if not isinstance(images, (str, Path)):
        raise ValueError('class_folders=True needs images to be the parent of the class folders')
    parts = [Path(relpath(path, Path(images).expanduser())).parts for path in paths]
    for path, (*folders, _) in zip(paths, parts, strict=True):
        if not folders:
            raise ValueError(f'{path} is not in a class folder: move it into that of its class')
    return [first for first, *_ in parts]


def _check_shapes(paths: Sequence[str], read: Sequence[tuple[int, Tensor]]) -> None:
    first, pixels = read[0]
    for index, others in read:
        if others.shape != pixels.shape:
            raise ValueError(
                f'images differ in size: {paths[first]} has the shape {tuple(pixels.shape)}, '
                f'{paths[index]} {tuple(others.shape)}: bring all to one size by Resize and '
                "CenterCrop in the encoder's transform (test_dataloader.dataset.pipeline of its "
                'config)'
            )


def _encode(network: nn.Module, images: Sequence[Tensor]) -> Tensor:
    device = next((tensor.device for tensor in network.parameters()), torch.device('cpu'))
    return pooled(network(torch.stack(list(images)).to(device))).float().cpu()


def _report_unreadable(faults: Sequence[str], total: int) -> None:
    if not faults:
        return
    examples = ', '.join(faults[:3])
    if len(faults) == total:
        raise ValueError(f'none of {total} files can be read as an image, such as {examples}')
    warnings.warn(f'{len(faults)} files cannot be read and are left out: {examples}', stacklevel=3)
