"""Initialisation from a pretraining checkpoint that fails unless every tensor is loaded."""

from collections.abc import Sequence

from mmengine.logging import print_log
from mmengine.model import BaseModule, update_init_info
from torch import nn

from mmrcl.checkpoint import Match, load_weights, match_encoder
from mmrcl.registry import WEIGHT_INITIALIZERS

__all__ = ['StrictPretrained']


@WEIGHT_INITIALIZERS.register_module()
class StrictPretrained:
    """Load every tensor of a module from a pretraining checkpoint, or fail.

    Use it as ``init_cfg`` of a backbone in configs of mmpretrain and mmdet:
    ``dict(type='mmrcl.StrictPretrained', checkpoint=...)``. mmengine's own ``Pretrained`` loads the
    tensors that match and only warns about the others. The checkpoint can be used as the training
    wrote it: the encoder in it is detected, see :func:`mmrcl.checkpoint.match_encoder`.

    The module is not initialised afterwards, not even by mmpretrain's ``zero_init_residual``. Only
    its ``new_parts`` keep their own initialisation.

    Args:
        checkpoint: a file or a URL. ``tools/train.py --pretrained`` sets it.
        prefix: prefix of the encoder in the checkpoint, needed if several encoders match.
        new_parts: submodules, by name, that the checkpoint does not contain.
        trust: run code that the checkpoint may contain, see
            :func:`mmrcl.checkpoint.read_checkpoint`.
    """

    def __init__(
        self,
        checkpoint: str | None,
        prefix: str | None = None,
        new_parts: Sequence[str] = (),
        trust: bool = False,
    ) -> None:
        if checkpoint is None:
            raise ValueError(
                'StrictPretrained: no checkpoint is set: use tools/train.py CONFIG '
                '--pretrained CHECKPOINT, or set init_cfg.checkpoint'
            )
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.new_parts = tuple(new_parts)
        self.trust = trust

    def __call__(self, module: BaseModule) -> None:
        """Load the checkpoint into ``module``.

        Raises:
            ValueError: if the checkpoint lacks one of its tensors.
        """
        match = self.match(module)
        print_log(f'{type(module).__name__}: {match.coverage} from {self.checkpoint}', 'current')
        for name, part in module.named_children():
            if name in self.new_parts and isinstance(part, BaseModule):
                part.init_weights()
        module.load_state_dict(match.tensors, strict=False)
        for part in module.modules():
            if isinstance(part, BaseModule):
                part.is_init = True
        # Subclasses such as mmpretrain's ResNet check this before further initialisation.
        module.init_cfg = dict(type='Pretrained', checkpoint=self.checkpoint)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'StrictPretrained: from {self.checkpoint}')

    def match(self, module: nn.Module) -> Match:
        """Find the tensors of ``module`` in the checkpoint.

        Raises:
            ValueError: if one is missing or has another shape, or for an unknown new part.
        """
        unknown = set(self.new_parts) - {name for name, _ in module.named_modules()}
        if unknown:
            raise ValueError(
                f'StrictPretrained: new_parts={sorted(unknown)} are not in '
                f'{type(module).__name__}: set the names of its submodules'
            )
        wanted = {
            name: tensor
            for name, tensor in module.state_dict().items()
            if not name.startswith(tuple(f'{part}.' for part in self.new_parts))
        }
        state, _ = load_weights(self.checkpoint, self.trust)
        classifiers = getattr(module, 'classifiers', ())  # of LibraryBackbone
        match = match_encoder(state, wanted, self.prefix, classifiers)
        if not match.is_whole:
            raise ValueError(
                f'{self.checkpoint} does not hold the {type(module).__name__} of this config: '
                f'{match.coverage}; it has {match.faults}. Use the backbone that the checkpoint '
                'was trained with, or another checkpoint'
            )
        return match
