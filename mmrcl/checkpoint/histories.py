"""The message hub of mmengine as data, so that ``torch.load`` reads checkpoints as they are."""

from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.utils import apply_to


def plain_hub(state: dict[str, Any]) -> dict[str, Any]:
    """Replace histories by dicts of tensors, and numbers of numpy by Python's.

    Args:
        state: from ``MessageHub.state_dict``.
    """
    return apply_to(state, lambda value: isinstance(value, (HistoryBuffer, np.generic)), _plain)


def _plain(value: HistoryBuffer | np.generic) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    log, count = map(torch.from_numpy, value.data)
    return dict(log_history=log, count_history=count, max_length=value.max_length)


def hub_of(state: dict[str, Any]) -> dict[str, Any]:
    """Undo :func:`plain_hub`; states that hold histories already stay as they are."""
    scalars = {name: _history(value) for name, value in state['log_scalars'].items()}
    return dict(state, log_scalars=scalars)


def _history(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    log, count = (value[key].cpu().numpy() for key in ('log_history', 'count_history'))
    return HistoryBuffer(log, count, value['max_length'])
