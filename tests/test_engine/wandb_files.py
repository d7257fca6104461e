"""What W&B wrote offline: records of protocol buffers in a log of blocks of 32 KB."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK, FILE_HEADER, RECORD_HEADER = 1 << 15, 7, 7
LAST_OF_RECORD = (1, 4)


def _records(path: Path) -> Iterator[bytes]:
    data, place, found = path.read_bytes(), FILE_HEADER, b''
    while place + RECORD_HEADER <= len(data):
        left = BLOCK - place % BLOCK
        if left < RECORD_HEADER:
            place += left
            continue
        _, length, kind = struct.unpack_from('<IHB', data, place)
        found += data[place + RECORD_HEADER : place + RECORD_HEADER + length]
        place += RECORD_HEADER + length
        if kind in LAST_OF_RECORD:
            yield found
            found = b''


def read_wandb(work_dir: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Rows that a run logged, and by name or pattern the metric that is its axis."""
    from wandb.proto.wandb_internal_pb2 import Record

    rows, axes = [], {}
    for data in _records(next(work_dir.rglob('*.wandb'))):
        record = Record()
        record.ParseFromString(data)
        kind = record.WhichOneof('record_type')
        if kind == 'history':
            items = record.history.item
            rows.append({i.key or i.nested_key[0]: json.loads(i.value_json) for i in items})
        elif kind == 'metric':
            axes[record.metric.name or record.metric.glob_name] = record.metric.step_metric
    return rows, axes
