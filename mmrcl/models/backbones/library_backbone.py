"""Networks of timm and torchvision as backbones, by their names."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from mmpretrain.models.backbones.base_backbone import BaseBackbone
from torch import Tensor, nn

from mmrcl.registry import MODELS

from ..norms import synchronize_norms

LIBRARIES = ('timm', 'torchvision')

# Options by which a library downloads weights or unpickles a file.
_READING = (
    'cache_dir',
    'checkpoint_path',
    'pretrained',
    'pretrained_backbone',
    'pretrained_cfg',
    'pretrained_cfg_overlay',
    'weights',
    'weights_backbone',
)


@MODELS.register_module()
class LibraryBackbone(BaseBackbone):
    """A network of timm or torchvision without its classifier, with random weights.

    It returns the vectors that the classifier would get, so the neck needs
    ``with_avg_pool=False``. mmpretrain's ``TIMMBackbone`` returns what precedes the pooling, whose
    layout differs between timm's networks. Batch norms become :class:`mmrcl.models.SyncBatchNorm`.
    Nothing is downloaded. ``init_cfg=dict(type='mmrcl.StrictPretrained', checkpoint=...)`` starts
    from a file of the library's weights.

    Args:
        library: ``'timm'`` or ``'torchvision'``.
        model: its name in the library, as ``timm.list_models()`` or
            ``torchvision.models.list_models(module=torchvision.models)`` list them.
        in_channels: channels of the images; torchvision's networks take 3.
        init_cfg: config of the initialisation.
        **options: further arguments of the network, such as ``img_size`` of timm's and
            ``image_size`` of torchvision's vision transformers.

    Raises:
        ImportError: without the library.
        ValueError: for an unknown model, or an option by which the library reads weights.
    """

    def __init__(
        self,
        library: str,
        model: str,
        in_channels: int = 3,
        init_cfg: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(init_cfg)
        if reading := sorted(set(options).intersection(_READING)):
            raise ValueError(
                f'LibraryBackbone starts from random weights: instead of {reading[0]} set '
                'init_cfg=dict(type="mmrcl.StrictPretrained", checkpoint=...)'
            )
        self.library = library
        self.model = model
        self.options = options
        network: Any
        network, self.classifiers = library_network(
            library, model, **_channels(library, in_channels), **options
        )
        synchronize_norms(network)
        # The library has initialised it. mmengine would do it again, even after a checkpoint.
        network.is_init = True
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Map images (N, C, height, width) to features (N, d).

        Raises:
            ValueError: if the network returns anything else.
        """
        features = self.network(images)
        if not isinstance(features, Tensor) or features.ndim != 2:
            found = tuple(features.shape) if isinstance(features, Tensor) else type(features)
            raise ValueError(
                f'model.backbone: {self.model} of {self.library} returns {found}, not one vector '
                'for each image: choose another model, or another pooling by its options'
            )
        return (features,)


class LibraryNetwork(NamedTuple):
    """A network of a library without its classifier.

    Attributes:
        network: maps images (n, C, height, width) to features (n, d).
        classifiers: names of the layers that were removed, which files of the library have.
    """

    network: nn.Module
    classifiers: Sequence[str]


def library_network(library: str, model: str, **options: Any) -> LibraryNetwork:
    """Build a network of a library and remove its classifier.

    Args:
        library: one of :data:`LIBRARIES`.
        model: its name there.
        **options: arguments of the network.

    Raises:
        ImportError: without the library.
        ValueError: for an unknown library or model, or one without a last linear layer.
    """
    if library not in LIBRARIES:
        raise ValueError(f"library='{library}' is unknown: choose one of {', '.join(LIBRARIES)}")
    return (_timm if library == 'timm' else _torchvision)(model, options)


def _timm(model: str, options: dict[str, Any]) -> LibraryNetwork:
    try:
        import timm
    except ImportError as error:
        raise ImportError("library='timm' needs timm: pip install timm") from error
    # create_model looks for other names on the network.
    if not timm.is_model(model):
        raise ValueError(
            f"timm has no model='{model}'{similar(model, timm.list_models())}: timm.list_models() "
            'lists all'
        )
    network: Any = timm.create_model(model, num_classes=0, **options)
    classifier = network.pretrained_cfg.get('classifier') or ()
    return LibraryNetwork(network, [classifier] if isinstance(classifier, str) else classifier)


def _torchvision(model: str, options: dict[str, Any]) -> LibraryNetwork:
    from torchvision import models

    names = models.list_models(module=models)
    if model not in names:
        raise ValueError(
            f"torchvision has no model='{model}' for classification{similar(model, names)}: "
            'torchvision.models.list_models(module=torchvision.models) lists all'
        )
    network: nn.Module = models.get_model(model, **options)
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise ValueError(f'{model} does not end with a linear layer: choose another model')
    parent, _, name = linear[-1].rpartition('.')
    setattr(network.get_submodule(parent), name, nn.Identity())
    return LibraryNetwork(network, linear[-1:])


def similar(name: str, names: Sequence[str]) -> str:
    """Return the names that are close to one, in brackets, or nothing."""
    close = get_close_matches(name, names)
    return f' (similar: {", ".join(close)})' if close else ''


def _channels(library: str, in_channels: int) -> dict[str, int]:
    if library == 'timm':
        return dict(in_chans=in_channels)
    if in_channels != 3:
        raise ValueError(
            f"torchvision's networks take 3 channels, not in_channels={in_channels}: choose one of "
            'timm'
        )
    return {}
