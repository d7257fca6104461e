"""Channels-last memory format of weights and feature maps."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmrcl.features import unwrapped
from mmrcl.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Convert the weights of all convolutions to the channels-last memory format.

    This includes the momentum encoder. Torch's convolutions then return channels-last feature maps
    for images of any format. Only strides change, not values or shapes, so a checkpoint of either
    format loads into the other. A distributed model is wrapped anew.

    Raises:
        ValueError: for mmengine's ``compile`` of a distributed model: it holds the old wrapper.
    """

    def before_train(self, runner: Runner) -> None:
        """Convert the model, after its weights are initialised."""
        # torch draws initial weights in memory order, so an earlier conversion would change them.
        model = unwrapped(runner.model).to(memory_format=torch.channels_last)
        if model is not runner.model:
            if runner.cfg.get('compile'):
                raise ValueError(
                    'compile compiles the step of a model that ChannelsLastHook wraps anew: remove '
                    'compile, and set default_hooks.compile=dict(type="CompileHook")'
                )
            # DDP's buckets have the strides that weights had when it was made. Its first gradients
            # would come in another order, with a warning that calls this no error.
            runner.model = runner.wrap_model(runner.cfg.get('model_wrapper_cfg'), model)
