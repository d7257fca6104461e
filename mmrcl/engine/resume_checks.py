"""Whether a checkpoint fits the run that resumes from it, and which settings differ."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from torch import Tensor

from mmrcl.checkpoint import config_from_text
from mmrcl.errors import ConfigError
from mmrcl.features import unwrapped

from .config_differences import differences, settings_of

_REMEDY = (
    'resume with the settings of the checkpoint, or start again from its backbone by '
    'model.backbone.init_cfg=dict(type="mmrcl.StrictPretrained", checkpoint=...)'
)


def check_resume(runner: Runner, checkpoint: Mapping[str, Any]) -> None:
    """Log the settings that differ from the checkpoint's, and stop where they cannot.

    Raises:
        ConfigError: if the model or the optimiser's groups have other names, shapes or sizes.
    """
    held = {*checkpoint, *checkpoint.get('meta', {})}
    if missing := [key for key in ('optimizer', 'message_hub', 'iter') if key not in held]:
        raise ConfigError(
            f'the checkpoint holds no state of a training ({missing[0]}), so nothing can be '
            'resumed: set it as load_from in the config of a new run'
        )
    changed = changed_settings(runner.cfg, checkpoint['meta'])
    state = {name.removeprefix('module.'): part for name, part in checkpoint['state_dict'].items()}
    if fault := model_fault(state, unwrapped(runner.model).state_dict()):
        raise ConfigError(_refusal('model', fault, _of(changed, 'model.')))
    kind = _of(changed, 'optim_wrapper.optimizer.type ')
    if fault := ' '.join(kind) or optimizer_fault(runner, checkpoint):
        raise ConfigError(_refusal('optimiser', fault, _of(changed, 'optim_wrapper.')))
    if changed:
        runner.logger.warning(
            'Settings differ from those of the checkpoint:\n- ' + '\n- '.join(changed)
        )
    done, epochs = checkpoint['meta']['epoch'], (runner.cfg.train_cfg or {}).get('max_epochs')
    if epochs is not None and done >= epochs:
        runner.logger.warning(
            f'The checkpoint has finished its {done} epochs, so there is nothing to train with '
            f'train_cfg.max_epochs={epochs}: raise the number by --epochs of tools/train.py'
        )


def changed_settings(config: Config, meta: Mapping[str, Any]) -> list[str]:
    """List the settings of a training that differ from those in the metadata of a checkpoint."""
    try:
        saved = config_from_text(meta['cfg'])
    except (KeyError, TypeError, ValueError):
        return []
    lines = differences(settings_of(saved), settings_of(config))
    return [
        line
        for line in lines
        # A run that resumes evaluates by its own settings, and initialises nothing.
        if not line.startswith('test_') and '.init_cfg.' not in line.partition(' was ')[0]
    ]


def _of(changed: Sequence[str], section: str) -> list[str]:
    return [line for line in changed if line.startswith(section)]


def _refusal(part: str, fault: str, changed: Sequence[str]) -> str:
    others = [line for line in changed if line != fault]
    settings = f' ({"; ".join(others)})' if others else ''
    return f'the checkpoint does not fit the {part} of this run, {fault}{settings}: {_REMEDY}'


def model_fault(saved: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> str | None:
    """Describe the first tensor that a model and a checkpoint do not share, None if there is none.

    Empty tensors of the model are allocated when the checkpoint is loaded.
    """
    for name, tensor in own.items():
        if name not in saved:
            return f'it has no {name}'
        if tensor.numel() and tensor.shape != saved[name].shape:
            return f'{name} has shape {tuple(saved[name].shape)}, here {tuple(tensor.shape)}'
    surplus = next((name for name in saved if name not in own), None)
    return None if surplus is None else f'{surplus} is not in the model'


def optimizer_fault(runner: Runner, checkpoint: Mapping[str, Any]) -> str | None:
    """Describe how the groups of the optimiser differ from a checkpoint's, None if they fit."""
    # Not the wrapper's groups: mmengine adds one to them that holds no parameter of the model.
    groups = (checkpoint['optimizer']['param_groups'], runner.optim_wrapper.optimizer.param_groups)
    saved, own = ([len(group['params']) for group in side] for side in groups)
    if saved == own:
        return None
    return f'it has {len(saved)} groups of {sum(saved)} parameters, here {len(own)} of {sum(own)}'
