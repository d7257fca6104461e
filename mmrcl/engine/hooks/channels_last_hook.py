"""Channels-last memory format of weights and feature maps."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Convert the weights of all convolutions to the channels-last memory format.

    This includes the momentum encoder. Torch's convolutions then return channels-last feature maps
    for images of any format. Only strides change, not values or shapes, so a checkpoint of either
    format loads into the other.
    """

    def before_train(self, runner: Runner) -> None:
        """Convert the model, after its weights are initialised."""
        # torch draws initial weights in memory order, so an earlier conversion would change them.
        runner.model.to(memory_format=torch.channels_last)
