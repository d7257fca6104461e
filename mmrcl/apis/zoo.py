"""Models of the zoo by name."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.fileio import load
from mmengine.registry import DefaultScope
from torch import nn

from mmrcl.checkpoint import load_weights
from mmrcl.launch import read_config
from mmrcl.registry import MODELS
from mmrcl.zoo import mim_folder

__all__ = ['get_config', 'get_model', 'list_models']


def list_models(pattern: str = '*') -> list[str]:
    """List the zoo's models that match a pattern such as ``'rcl_*_in1k'``, sorted."""
    return sorted(name for name in _config_files() if fnmatch(name, pattern))


def get_config(model: str | Path) -> Config:
    """Return the config of a model, by its name in the zoo or by its path.

    Raises:
        ValueError: if the file or the name in the zoo does not exist.
    """
    if Path(model).suffix == '.py':
        return read_config(str(model))
    files = _config_files()
    if model not in files:
        raise ValueError(f'the zoo has no {model!r}: see mmrcl.list_models()')
    return read_config(str(files[str(model)]))


def get_model(
    model: str | Path | Config,
    checkpoint: str | Path | None = None,
    *,
    trust: bool = False,
    **settings: Any,
) -> Any:
    """Build a model: a complete algorithm, or a classifier or detector of the benchmarks.

    For the backbone alone use :func:`mmrcl.load_encoder`.

    Args:
        model: a name of the zoo, the path of a config, or a config.
        checkpoint: a file or URL that contains all tensors of the model; without one the model is
            initialised at random, even if the config names a checkpoint.
        trust: run code that the checkpoint may contain.
        **settings: settings of the model that override the config, as in
            ``queue=dict(length=4096)``.

    Returns:
        The model, in eval mode.

    Raises:
        ValueError: if the name does not exist, or the checkpoint does not fit the model.
    """
    config = model.copy() if isinstance(model, Config) else get_config(model)
    config.merge_from_dict(dict(model=settings))
    described = dict(config.model)
    if 'data_preprocessor' in config:
        described.setdefault('data_preprocessor', config.data_preprocessor)
    with DefaultScope.overwrite_default_scope(config.get('default_scope', 'mmrcl')):
        built: nn.Module = MODELS.build(described)
    if checkpoint is not None:
        _fill(built, checkpoint, trust)
    return built.eval()


def _config_files() -> dict[str, Path]:
    folder = mim_folder()
    parts = load(folder / 'model-index.yml')['Import']
    models = [model for part in parts for model in load(folder / part)['Models']]
    return {model['Name']: folder / model['Config'] for model in models}


def _fill(model: nn.Module, checkpoint: str | Path, trust: bool) -> None:
    state, _ = load_weights(checkpoint, trust)
    try:
        model.load_state_dict(state)
    except (RuntimeError, ValueError) as error:
        reason = ' '.join(str(error).split())[:300]
        raise ValueError(
            f'{checkpoint} does not fit the model: pass the config that it was trained with '
            f'({reason})'
        ) from error
