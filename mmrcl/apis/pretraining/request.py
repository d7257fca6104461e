"""What a user asks ``mmrcl pretrain`` for."""

import shlex
from pathlib import Path
from typing import NamedTuple

from mmrcl.errors import ConfigError

__all__ = ['Request']


class Request(NamedTuple):
    """The arguments of :func:`mmrcl.pretrain` that decide on the config.

    Attributes:
        folder: the images.
        model: name of the backbone, see :func:`mmrcl.models.backbone_config`.
        epochs: length of the training, None to choose it.
        method: name of a method.
        labels: file of labels, or None for those by class folders.
        init: file of weights that the backbone starts from.
    """

    folder: str
    model: str = 'resnet18'
    epochs: int | None = None
    method: str = 'rcl'
    labels: str | None = None
    init: str | None = None

    def resolved(self) -> 'Request':
        """Return the request with absolute paths.

        Raises:
            ConfigError: for less than one epoch, or a file that does not exist.
        """
        if self.epochs is not None and self.epochs < 1:
            raise ConfigError(f'--epochs {self.epochs}: train for at least 1 epoch')
        for option, path in (('--labels', self.labels), ('--init', self.init)):
            if path is not None and not Path(path).expanduser().is_file():
                raise ConfigError(f'{option} {path} is no file: pass an existing one')
        return self._replace(
            folder=_absolute(self.folder),
            labels=None if self.labels is None else _absolute(self.labels),
            init=None if self.init is None else _absolute(self.init),
        )

    def command(self) -> str:
        """Return the command line without ``--out``, by which a work dir knows its command."""
        options = self._asdict()
        words = ['mmrcl', 'pretrain', options.pop('folder')]
        for name, value in options.items():
            if value is not None:
                words += [f'--{name}', str(value)]
        return shlex.join(words)


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().resolve())
