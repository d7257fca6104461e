"""The config that a checkpoint was trained with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmrcl.features import recorded_config
from mmrcl.launch import read_config

__all__ = ['config_of']


def config_of(
    meta: Mapping[str, Any],
    checkpoint: str | Path,
    config: Config | str | Path | None = None,
    trust: bool = False,
) -> Config:
    """Return the config that a checkpoint was trained with.

    Args:
        meta: metadata of the checkpoint, from :func:`mmrcl.checkpoint.load_weights`.
        checkpoint: its name, for the error message.
        config: a config or its path; takes precedence over the checkpoint's own.
        trust: accept a config in the checkpoint that names any class or function.

    Raises:
        ValueError: if no config is passed, and the checkpoint contains none or one that could run
            code.
    """
    if isinstance(config, Config):
        return config
    if config is not None:
        return read_config(str(config))
    return recorded_config(meta, checkpoint, trust)
