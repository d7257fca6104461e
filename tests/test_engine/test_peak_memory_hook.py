import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from mmrcl.engine import PeakMemoryHook
from mmrcl.engine.hooks.peak_memory_hook import peak_memory


def resident() -> float:
    return int(re.search(r'VmRSS:\s+(\d+)', Path('/proc/self/status').read_text())[1]) / 1024


def test_the_peak_outlasts_what_was_allocated():
    before = peak_memory()
    wanted = before - resident() + 64
    memory = np.ones(int(wanted * 1024**2), dtype=np.uint8)
    assert peak_memory() > before + 32
    del memory
    assert peak_memory() > before + 32


def rows_of(hook: PeakMemoryHook) -> list[dict]:
    rows: list[dict] = []
    visualizer = SimpleNamespace(add_scalars=lambda row, step: rows.append(row))
    hook.after_train_epoch(SimpleNamespace(visualizer=visualizer, epoch=2, iter=33))
    return rows


def test_logs_where_mmengine_does_not(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    (row,) = rows_of(PeakMemoryHook())
    assert row['memory'] > 50 and (row['epoch'], row['iter']) == (3, 33)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    assert rows_of(PeakMemoryHook()) == []
