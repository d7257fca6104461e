"""A folder that timm loads by ``local-dir:``, and from its hub after an upload."""

from pathlib import Path

from .counterparts import NoFormatError, find_counterpart
from .encoder import TrainedEncoder

__all__ = ['write_hub_folder']


def write_hub_folder(encoder: TrainedEncoder, folder: Path) -> Path:
    """Write ``model.safetensors`` and ``config.json``, and return the first.

    The config states size, mean, deviation, interpolation and crop of the images, from which
    ``timm.data`` builds the transform.

    Raises:
        ImportError: without timm.
        NoFormatError: if timm has no such network, or images are in BGR.
    """
    counterpart = find_counterpart(encoder, 'timm')
    import timm

    images = encoder.images
    if images.bgr:
        raise NoFormatError(
            'the encoder takes images in BGR, which a config of timm cannot say: train with '
            'data_preprocessor.to_rgb=True'
        )
    # Of the default, what belongs to the network is kept, and what to its weights is not.
    default = timm.models.get_pretrained_cfg(counterpart.architecture)
    assert default is not None
    network = counterpart.network
    network.pretrained_cfg = timm.models.PretrainedCfg(
        architecture=counterpart.architecture,
        num_classes=0,
        first_conv=default.first_conv,
        classifier=default.classifier,
        fixed_input_size=default.fixed_input_size,
        input_size=images.size,
        mean=images.mean,
        std=images.std,
        interpolation=images.interpolation,
        crop_pct=images.crop_pct,
        crop_mode=images.crop_mode,
    ).to_dict()
    timm.models.save_for_hf(network, str(folder), safe_serialization=True)
    return folder / 'model.safetensors'
