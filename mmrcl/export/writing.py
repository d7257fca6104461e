"""Writing of an encoder in several formats, each of which may be refused on its own."""

import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from mmrcl.checkpoint import CHECKPOINT_WRITERS, nearest_resnet
from mmrcl.errors import ConfigError

from .counterparts import NoFormatError, find_counterpart
from .encoder import TrainedEncoder
from .hub_folder import write_hub_folder
from .onnx_file import write_onnx

__all__ = ['CHECKPOINT_FORMATS', 'EXPORT_FORMATS', 'LIBRARIES', 'Exported', 'write_formats']

# Formats for a network of a library's own. The others are for the backbone of the config.
LIBRARIES = dict(
    safetensors='timm', torchvision='torchvision', timm='timm', detectron2='torchvision'
)


class Exported(NamedTuple):
    """What became of each format.

    Attributes:
        written: the file of each format that was written.
        refused: why each of the others was not, as a sentence.
    """

    written: dict[str, Path]
    refused: dict[str, str]

    @property
    def summary(self) -> str:
        """A line for each format."""
        written = [f'{kind}: written to {path}' for kind, path in self.written.items()]
        refused = [f'{kind}: not written: {why}' for kind, why in self.refused.items()]
        return '\n'.join(written + refused)


def write_formats(
    encoder: TrainedEncoder, folder: Path, formats: Iterable[str], name: str
) -> Exported:
    """Write an encoder in each format, and go on with the others if one is refused.

    Args:
        encoder: from :func:`trained_encoder`.
        folder: is made if it does not exist.
        formats: some of :data:`EXPORT_FORMATS`.
        name: beginning of the names of checkpoint files, ``NAME_FORMAT-HASH.pth``.

    Raises:
        ConfigError: for an unknown format, before anything is written.
        OSError: if the folder cannot be written.
    """
    formats = list(dict.fromkeys(formats))
    if unknown := [kind for kind in formats if kind not in _WRITERS]:
        raise ConfigError(f'format {unknown[0]!r} is unknown: use {", ".join(EXPORT_FORMATS)}')
    exported = Exported({}, {})
    for kind in formats:
        try:
            exported.written[kind] = _WRITERS[kind](encoder, folder, name)
        except (ImportError, NoFormatError) as error:
            exported.refused[kind] = str(error)
    return exported


def _write_checkpoint(kind: str, encoder: TrainedEncoder, folder: Path, name: str) -> Path:
    """Write one file, and put its hash into its name."""
    tensors = encoder.match.tensors
    if kind in LIBRARIES:
        tensors = find_counterpart(encoder, LIBRARIES[kind]).tensors
    if kind == 'detectron2' and nearest_resnet(tensors) is None:
        raise NoFormatError('detectron2 gets ResNets alone; use the format mmdet or onnx')
    folder.mkdir(parents=True, exist_ok=True)
    suffix, writer = CHECKPOINT_WRITERS[kind]
    partial_file = folder / f'{name}_{kind}.partial{suffix}'
    writer(tensors, encoder.origin, partial_file)
    digest = hashlib.sha256(partial_file.read_bytes()).hexdigest()[:8]
    final = folder / f'{name}_{kind}-{digest}{suffix}'
    for written in folder.glob(f'{name}_{kind}.partial.*'):
        written.rename(final.with_suffix(written.suffix))
    return final


_WRITERS: dict[str, Callable[[TrainedEncoder, Path, str], Path]] = dict(
    safetensors=lambda encoder, folder, _: write_hub_folder(encoder, folder),
    onnx=lambda encoder, folder, _: write_onnx(encoder, folder),
    **{kind: partial(_write_checkpoint, kind) for kind in CHECKPOINT_WRITERS},
)
CHECKPOINT_FORMATS = tuple(CHECKPOINT_WRITERS)
EXPORT_FORMATS = tuple(_WRITERS)
