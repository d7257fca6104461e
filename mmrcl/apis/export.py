"""Files of an encoder for other libraries."""

from collections.abc import Iterable
from pathlib import Path

from mmengine.config import Config

from mmrcl.checkpoint import find_checkpoint, load_weights
from mmrcl.errors import ConfigError
from mmrcl.export import EXPORT_FORMATS, Exported, trained_encoder, write_formats, write_model_card
from mmrcl.launch import folder_of

from .checkpoint_config import config_of
from .outputs import check_unused

__all__ = ['DEFAULT_FORMATS', 'EXPORT_FORMATS', 'export_encoder']

# The first two need other packages, and timm has not every network. The last takes all.
DEFAULT_FORMATS = ('safetensors', 'onnx', 'mmpretrain')


def export_encoder(
    checkpoint: str | Path,
    out: str | Path,
    formats: Iterable[str] = DEFAULT_FORMATS,
    config: Config | str | Path | None = None,
    trust: bool = False,
) -> Exported:
    """Write the backbone of a pretraining for other libraries, with a model card.

    A format that the encoder has no counterpart in, or whose packages are missing, is refused in
    one sentence, and the others are written.

    Args:
        checkpoint: file written by ``tools/train.py`` or ``mmrcl pretrain``, or the work dir of a
            run, for its newest.
        out: folder that does not exist or is empty.
        formats: ``'safetensors'``, a folder for timm (``local-dir:`` and its hub); ``'onnx'``, from
            pixels to features; ``'mmpretrain'``, which :func:`load_encoder` reads too, ``'mmdet'``,
            ``'torchvision'``, ``'timm'`` and ``'detectron2'``, checkpoint files of these libraries.
        config: the config that it was trained with, or its path; by default the one stored in the
            checkpoint.
        trust: run code that the checkpoint or its config may contain.

    Returns:
        The file of each format written, and the sentence of each refused.

    Raises:
        FileExistsError: before any work, if ``out`` is in use.
        FileNotFoundError: if the checkpoint does not exist.
        OSError: if the folder cannot be written.
        ValueError: for an unknown format, if the checkpoint does not hold the encoder, or if every
            format is refused.
    """
    folder = check_unused(out)
    checkpoint = find_checkpoint(checkpoint)
    state, meta = load_weights(checkpoint, trust)
    encoder = trained_encoder(checkpoint, state, meta, config_of(meta, checkpoint, config, trust))
    if not encoder.match.is_whole:
        raise ConfigError(
            f'{checkpoint} does not hold the encoder of its config: {encoder.match.coverage}; it '
            f'has {encoder.match.faults}. Pass the config that it was trained with'
        )
    name = folder_of(str(Path(checkpoint).resolve()))
    exported = write_formats(encoder, folder, formats, name)
    if not exported.written:
        raise ConfigError(f'no format can be written:\n{exported.summary}')
    write_model_card(encoder, exported, folder, name)
    return exported
