"""Checkpoints that create a file when code in them runs."""

import os
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import HistoryBuffer


class Touch:
    """Creates ``path`` when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f'touch {self.path}',)


def write_hostile(path: Path, mark: Path, **content: Any) -> str:
    """Write a checkpoint of ``content`` whose pickle creates ``mark``, and return its name."""
    content.setdefault('state_dict', {'backbone.a.weight': torch.ones(1)})
    torch.save(dict(content, more=Touch(mark)), path)
    return str(path)


def hostile_config(mark: Path) -> str:
    return f"import os\nos.system('touch {mark}')\nmodel = dict(type='MoCo')\n"


def history(*values: float) -> HistoryBuffer:
    return HistoryBuffer(values, [1] * len(values), 1000)
