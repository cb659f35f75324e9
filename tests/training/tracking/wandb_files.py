"""Reads what an offline run of wandb wrote: protobufs in blocks, framed as LevelDB does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEADER, _BLOCK, _CHUNK = 7, 32768, 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def records(path: Path) -> Iterator[Any]:
    """Yield the records of a .wandb file; its last may be cut where the run was killed."""
    from wandb.proto.wandb_internal_pb2 import Record

    data = path.read_bytes()
    assert data[:4] == b":W&B"
    at, parts = _HEADER, b""
    while at + _CHUNK <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < _CHUNK:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        parts += data[at + _CHUNK : at + _CHUNK + length]
        at += _CHUNK + length
        if kind in (_FULL, _LAST):
            record = Record()
            record.ParseFromString(parts)
            parts = b""
            yield record
