"""Weights & Biases, with the iteration as its axis."""

from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.visualization import WandbVisBackend as MMEngineWandbVisBackend
from mmengine.visualization.vis_backend import force_init_env

from mmrcl.registry import VISBACKENDS

from .lasting_backends import LastingBackend

__all__ = ['WandbVisBackend']


@VISBACKENDS.register_module()
class WandbVisBackend(LastingBackend, MMEngineWandbVisBackend):
    """mmengine's backend for W&B with five changes.

    - The x axis is ``iter``, which every row has. mmengine passes no step, so W&B would count
      calls and drop rows when a resumed run repeats a few iterations.
    - Changes of the config are allowed. Otherwise a run resumed under its W&B id
      (``init_kwargs=dict(id=..., resume='allow')``) fails, because ``resume`` differs.
    - Code is uploaded only if ``log_code_name`` is set. mmengine would search the current folder,
      data included, for Python files and upload all.
    - A full disk does not end the run.
    - Without a login the error names the remedy instead of a traceback.

    Args:
        save_dir: Folder for W&B's files.
        init_kwargs: Arguments of ``wandb.init``, such as ``project`` and ``name``.
        define_metric_cfg: As in mmengine's backend, to choose another axis.
        **kwargs: Further arguments of mmengine's backend.

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
                f'W&B cannot be started ({error}): run `wandb login`, set the environment '
                'variable WANDB_MODE=offline to log to a file, or remove WandbVisBackend from '
                'visualizer.vis_backends'
            ) from error

    @force_init_env
    def add_config(self, config: Config, **kwargs: Any) -> None:
        """Record the config, and the code if ``log_code_name`` is set."""
        if self._log_code_name is not None:
            super().add_config(config, **kwargs)
        else:
            self._wandb.config.update(config.to_dict(), allow_val_change=True)

    @force_init_env
    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        """Record an RGB image, (height, width, 3) uint8, at an iteration."""
        with self.written:
            self._wandb.log({name: self._wandb.Image(image), 'iter': step}, commit=self._commit)
