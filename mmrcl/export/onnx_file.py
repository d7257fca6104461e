"""An ONNX file that takes pixels, with the normalisation inside."""

import warnings
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from mmrcl.features import pooled

from .counterparts import NoFormatError
from .encoder import TrainedEncoder
from .image_format import ImageFormat

__all__ = ['write_onnx']


def write_onnx(encoder: TrainedEncoder, folder: Path) -> Path:
    """Write ``model.onnx``, from images to features, for any number of images.

    Input ``images`` is float32 of shape (n, channels, height, width), with values of 0 to 255;
    output ``features`` is float32 of shape (n, d). Metadata of the file says so, and whether the
    channels are RGB.

    Raises:
        NoFormatError: if torch cannot export the network.
        ImportError: without onnx and onnxscript, or with a torch before 2.6.
    """
    _check_installed()
    network = _FromPixels(encoder.backbone, encoder.images).requires_grad_(False)
    try:
        program = _exported(network, torch.zeros(2, *encoder.images.size))
    except torch.onnx.OnnxExporterError as error:
        kind = type(encoder.backbone).__name__
        # The lines below the first explain torch's own code.
        reason = str(error.__cause__ or error).strip().partition('\n')[0]
        raise NoFormatError(
            f'torch cannot export {kind} ({reason}); use the format mmpretrain or mmdet, which '
            'take any backbone'
        ) from error
    program.model.metadata_props.update(_metadata(encoder))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'model.onnx'
    program.save(path)
    return path


def _exported(network: nn.Module, images: Tensor) -> torch.onnx.ONNXProgram:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of the exporter's own calls to torch
        program = torch.onnx.export(
            network,
            (images,),
            input_names=['images'],
            output_names=['features'],
            dynamic_shapes=({0: torch.export.Dim('batch')},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program


def _check_installed() -> None:
    missing = [name for name in ('onnx', 'onnxscript') if find_spec(name) is None]
    if missing:
        raise ImportError(f"{' and '.join(missing)} missing: pip install 'mmrcl[export]'")
    if torch.__version__ < '2.6':
        raise ImportError(f'it needs torch 2.6 or newer, not {torch.__version__}')


def _metadata(encoder: TrainedEncoder) -> dict[str, str]:
    images = encoder.images
    shape = ', '.join(map(str, images.size))
    return dict(
        images=f'float32 {images.colors} (n, {shape}), values 0 to 255',
        features=f'float32 (n, {encoder.num_features})',
        normalisation='in the model',
        source=encoder.origin['source'],
        source_sha256=encoder.origin['source_sha256'],
    )


class _FromPixels(nn.Module):
    """Normalisation, backbone and average over space."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, images: ImageFormat) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer('mean', 255 * torch.tensor(images.mean).view(-1, 1, 1))
        self.register_buffer('std', 255 * torch.tensor(images.std).view(-1, 1, 1))
        self.training = False

    def forward(self, images: Tensor) -> Tensor:
        return pooled(self.backbone((images - self.mean) / self.std))
