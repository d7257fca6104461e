"""Weights & Biases, with the iteration as its axis."""

from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.visualization import WandbVisBackend as MMEngineWandbVisBackend
from mmengine.visualization.vis_backend import force_init_env

from mmrcl.registry import VISBACKENDS

__all__ = ['WandbVisBackend']


@VISBACKENDS.register_module()
class WandbVisBackend(MMEngineWandbVisBackend):
    """mmengine's backend for W&B, of which four things stand in the way here.

    - It hands W&B no step, which then counts calls: charts are drawn over ``iter`` instead, which
      every row has, so nothing is dropped when a resumed run goes back a few iterations.
    - A run that goes on under its W&B name (``init_kwargs=dict(id=..., resume='allow')``) fails
      because ``resume`` differs in the config: changes are allowed.
    - It uploads every Python file below the current folder, and searches the data there for them:
      only done if ``log_code_name`` is given.
    - Without a login it ends in a traceback: the error says what to do.

    Args:
        save_dir: Folder for W&B's files.
        init_kwargs: Arguments of ``wandb.init``, such as ``project`` and ``name``.
        define_metric_cfg: As in mmengine's, if something else shall be the axis.
        **kwargs: Further arguments of mmengine's.

    Raises:
        ImportError: At first use, without the package wandb.
        ValueError: At first use, if W&B cannot be started.
    """

    def __init__(
        self,
        save_dir: str,
        init_kwargs: dict | None = None,
        define_metric_cfg: dict | list | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            save_dir,
            dict(allow_val_change=True) | dict(init_kwargs or {}),
            define_metric_cfg or [dict(name='iter'), dict(name='*', step_metric='iter')],
            **kwargs,
        )

    def _init_env(self) -> None:
        try:
            super()._init_env()
        except ImportError:
            raise
        except Exception as error:
            raise ValueError(
                f'W&B cannot be started ({error}): run `wandb login`, or set WANDB_MODE=offline in '
                'the environment to log to a file, or take WandbVisBackend out of '
                'visualizer.vis_backends'
            ) from error

    @force_init_env
    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Record the config, and the code where it has a name."""
        if self._log_code_name is not None:
            super().add_config(config, **kwargs)
        else:
            self._wandb.config.update(config.to_dict(), allow_val_change=True)

    @force_init_env
    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """Record an RGB image, (height, width, 3) uint8, at an iteration."""
        self._wandb.log({name: self._wandb.Image(image), 'iter': step}, commit=self._commit)
