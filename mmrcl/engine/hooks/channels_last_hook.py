"""Holds images and maps with their channels last in memory."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lays the weights of all convolutions out with the channels last.

    The momentum encoder's are among them. Torch's convolutions then give maps of that layout,
    whatever the layout of the images. Only strides change, no number and no shape: a checkpoint
    of either layout loads into the other.
    """

    def before_train(self, runner: Runner) -> None:
        """Converts after the weights are drawn: torch draws them in the order of memory."""
        runner.model.to(memory_format=torch.channels_last)
