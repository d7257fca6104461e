"""Initialisation from a pretraining checkpoint that cannot load nothing silently."""

from collections.abc import Sequence

from mmengine.logging import print_log
from mmengine.model import BaseModule, update_init_info
from torch import nn

from mmrcl.checkpoint import Match, load_weights, match_encoder
from mmrcl.registry import WEIGHT_INITIALIZERS

__all__ = ['StrictPretrained']


@WEIGHT_INITIALIZERS.register_module()
class StrictPretrained:
    """Loads every tensor of a module from a pretraining checkpoint, or fails.

    For ``init_cfg`` of a backbone in configs of mmpretrain and mmdet, there as
    ``dict(type='mmrcl.StrictPretrained', checkpoint=...)``. mmengine's own ``Pretrained`` loads
    what fits and goes on with a warning. The checkpoint may be as the training wrote it: where
    it keeps the encoder is found by itself, see :func:`mmrcl.checkpoint.match_encoder`.

    Nothing initialises the module afterwards, mmpretrain's ``zero_init_residual`` included. Only
    its ``new_parts`` keep what they were initialised with.

    Args:
        checkpoint: a file or an address. ``tools/train.py --pretrained`` sets it.
        prefix: what the checkpoint puts before the names, where several encoders fit.
        new_parts: parts of the module, by name, that the checkpoint does not hold.
    """

    def __init__(
        self, checkpoint: str | None, prefix: str | None = None, new_parts: Sequence[str] = ()
    ) -> None:
        if checkpoint is None:
            raise ValueError(
                'StrictPretrained: no checkpoint is named: start by tools/train.py CONFIG '
                '--pretrained CHECKPOINT, or set init_cfg.checkpoint'
            )
        self.checkpoint = checkpoint
        self.prefix = prefix
        self.new_parts = tuple(new_parts)

    def __call__(self, module: BaseModule) -> None:
        """Fills ``module``.

        Raises:
            ValueError: if the checkpoint does not hold all of it.
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
        # What subclasses ask for before they initialise something of their own afterwards.
        module.init_cfg = dict(type='Pretrained', checkpoint=self.checkpoint)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'StrictPretrained: from {self.checkpoint}')

    def match(self, module: nn.Module) -> Match:
        """Finds the tensors of ``module`` in the checkpoint.

        Raises:
            ValueError: if one is missing or has another shape, or for an unknown new part.
        """
        unknown = set(self.new_parts) - {name for name, _ in module.named_modules()}
        if unknown:
            raise ValueError(
                f'StrictPretrained: new_parts names {sorted(unknown)}, no part of '
                f'{type(module).__name__}'
            )
        wanted = {
            name: tensor
            for name, tensor in module.state_dict().items()
            if not name.startswith(tuple(f'{part}.' for part in self.new_parts))
        }
        state, _ = load_weights(self.checkpoint)
        match = match_encoder(state, wanted, self.prefix)
        if not match.is_whole:
            raise ValueError(
                f'{self.checkpoint} does not hold the {type(module).__name__} of this config: '
                f'{match.coverage}; it has {match.faults}. Use the backbone that the checkpoint '
                'was trained with, or name another checkpoint'
            )
        return match
