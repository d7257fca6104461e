"""Compilation of the encoders by torch.compile."""

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class CompileHook(Hook):
    """Compile submodules of the model in place, by torch's ``nn.Module.compile``.

    Names of parameters and checkpoints do not change. mmengine's own ``compile=True`` compiles the
    whole ``train_step``, including logging and the update of queue and momentum encoder, which
    breaks into many graphs.

    Args:
        parts: submodules of the model to compile.
        **options: arguments of ``torch.compile``, such as ``backend`` or ``mode``.
    """

    def __init__(
        self,
        parts: Sequence[str] = ('backbone', 'neck', 'momentum_encoder.module'),
        **options: Any,
    ) -> None:
        self.parts = parts
        self.options = options

    def before_train(self, runner: Runner) -> None:
        """Mark the submodules; torch compiles each at its first call."""
        model = unwrapped(runner.model)
        for name in self.parts:
            try:
                part = model.get_submodule(name)
            except AttributeError as error:
                raise ValueError(
                    f'CompileHook.parts: {type(model).__name__} has no submodule {name!r}: set '
                    f'parts to submodules of the model ({error})'
                ) from error
            part.compile(**self.options)
