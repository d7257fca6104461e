"""Visualisation backends on a disk that may be full."""

import os
from typing import Any

from mmengine.visualization import LocalVisBackend as MMEngineLocalVisBackend
from mmengine.visualization import TensorboardVisBackend as MMEngineTensorboardVisBackend
from mmengine.visualization.vis_backend import BaseVisBackend

from mmrcl.disk import ReportedOnce
from mmrcl.registry import VISBACKENDS

__all__ = ['LastingBackend', 'LocalVisBackend', 'TensorboardVisBackend']


class LastingBackend(BaseVisBackend):
    """A backend whose training goes on when nothing can be written, with one warning."""

    def __init__(self, save_dir: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(save_dir, *args, **kwargs)
        self.written = ReportedOnce(f'{save_dir} of {type(self).__name__}')

    def add_image(self, *args: Any, **kwargs: Any) -> None:
        """Record an image."""
        with self.written:
            super().add_image(*args, **kwargs)

    def add_scalar(self, *args: Any, **kwargs: Any) -> None:
        """Record a scalar."""
        with self.written:
            super().add_scalar(*args, **kwargs)

    def add_scalars(self, *args: Any, **kwargs: Any) -> None:
        """Record scalars."""
        with self.written:
            super().add_scalars(*args, **kwargs)

    def close(self) -> None:
        """Write what is left."""
        with self.written:
            super().close()


@VISBACKENDS.register_module()
class LocalVisBackend(LastingBackend, MMEngineLocalVisBackend):
    """mmengine's local backend, with one warning and no end of the run on a full disk.

    Scalars that cannot be written whole are left out, so that the file stays readable.
    """

    def _dump(self, value_dict: dict, file_path: str, file_format: str) -> None:
        size = os.path.getsize(file_path) if os.path.exists(file_path) else 0
        try:
            super()._dump(value_dict, file_path, file_format)
        except OSError:
            if os.path.exists(file_path):
                os.truncate(file_path, size)
            raise


@VISBACKENDS.register_module()
class TensorboardVisBackend(LastingBackend, MMEngineTensorboardVisBackend):
    """mmengine's TensorBoard backend, with one warning and no end of the run on a full disk.

    TensorBoard's writer does not recover: after the warning its file gets no more rows.
    """
