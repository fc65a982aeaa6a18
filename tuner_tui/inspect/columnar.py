"""Parquet and Arrow become rows a few MiB at a time, however much a small file would unpack to.

A text that a dictionary holds once may stand in every row, and a list of a million zeros takes a few bytes: what rows
would take is counted before they are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.opened import BOMB_BYTES, BOMB_RATIO, ROW_BYTES_MAX
from tuner_tui.inspect.rows import Bad, Block

ROWS = 1000
AT_ONCE = 1 << 23
"""Bytes of cells that become rows together."""
VALUE_BYTES = 8


def parquet_rows(path: Path) -> Iterator[Block]:
    """Rows of a Parquet file, batch by batch; InputError when it is cut, damaged or a decompression bomb."""
    import pyarrow.lib
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _refuse_bomb(path, _declared(file.metadata))
            texts = _texts(file.metadata)
        with pyarrow.parquet.ParquetFile(path, read_dictionary=texts) as file:
            yield from _blocks(path, file.iter_batches(batch_size=ROWS))
    except (pyarrow.lib.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def arrow_rows(path: Path) -> Iterator[Block]:
    """Rows of an Arrow file or stream (what `datasets` saves), batch by batch."""
    import pyarrow
    import pyarrow.ipc
    import pyarrow.lib

    try:
        with pyarrow.OSFile(str(path), "rb") as source:
            batches = _batches(pyarrow.ipc, source)
            slices = (batch.slice(at, ROWS) for batch in batches for at in range(0, batch.num_rows, ROWS))
            yield from _blocks(path, slices)
    except (pyarrow.lib.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _batches(ipc: Any, source: Any) -> Iterator[Any]:
    magic = source.read(6)
    source.seek(0)
    if magic == b"ARROW1":
        reader = ipc.open_file(source)
        yield from (reader.get_batch(at) for at in range(reader.num_record_batches))
    else:
        yield from ipc.open_stream(source)


def _blocks(path: Path, batches: Iterator[Any]) -> Iterator[Block]:
    """Each batch as rows, cut where its cells would take more than AT_ONCE."""
    total = 0
    for batch in batches:
        for part, size in _parts(batch):
            total += size
            _refuse_bomb(path, total)
            large = size > ROW_BYTES_MAX
            yield Block([Bad("row_too_large")], [uuid4().bytes]) if large else _block_of(part.to_pylist())


def _parts(batch: Any) -> Iterator[tuple[Any, int]]:
    size = sum(map(unpacked_bytes, batch.columns))
    if size <= AT_ONCE or batch.num_rows <= 1:
        yield batch, size
        return
    half = batch.num_rows // 2
    yield from _parts(batch.slice(0, half))
    yield from _parts(batch.slice(half))


def unpacked_bytes(column: Any) -> int:
    """Bytes of an Arrow array once each cell holds its own value, and a place for each."""
    import pyarrow.types as types

    places = len(column) * VALUE_BYTES
    if types.is_dictionary(column.type):
        return places + _held(column)
    if types.is_nested(column.type):
        inner = column.flatten()
        return places + (sum(map(unpacked_bytes, inner)) if isinstance(inner, list) else unpacked_bytes(inner))
    return places + int(column.nbytes)


def _held(column: Any) -> int:
    """Bytes of the texts that a dictionary's column names, each as often as it stands there."""
    import pyarrow.compute as pc
    import pyarrow.types as types

    kind = column.type.value_type
    if not any(test(kind) for test in (types.is_string, types.is_binary, types.is_large_string, types.is_large_binary)):
        return 0
    return int(pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices)).as_py() or 0)


def _texts(metadata: Any) -> list[str]:
    """The paths of columns of texts that a dictionary holds; they are read as such."""
    if not metadata.num_row_groups:
        return []
    group = metadata.row_group(0)
    found = [group.column(at) for at in range(group.num_columns)]
    return [column.path_in_schema for column in found if column.physical_type == "BYTE_ARRAY"]


def _declared(metadata: Any) -> int:
    """The largest part of the file that must be unpacked together, in bytes, as the file's end tells it."""
    groups = (metadata.row_group(at) for at in range(metadata.num_row_groups))
    return max((column_bytes(group.column(at)) for group in groups for at in range(group.num_columns)), default=0)


def column_bytes(column: Any) -> int:
    """Bytes of one column of a row group without its packing."""
    values = 0 if column.physical_type == "BYTE_ARRAY" else column.num_values * VALUE_BYTES
    return max(int(column.total_uncompressed_size), values)


def _refuse_bomb(path: Path, size: int) -> None:
    limit = max(BOMB_BYTES, BOMB_RATIO * path.stat().st_size)
    if size > limit:
        raise InputError("inspect.bomb", path=_shown(path), gib=limit >> 30)


def _block_of(rows: list[Any]) -> Block:
    return Block(rows, [msgspec.json.encode(row, enc_hook=str) for row in rows])


def _damaged(path: Path, error: Exception) -> Exception:
    from tuner_tui.safe import clean

    if isinstance(error, InputError):
        return error
    return InputError("inspect.unreadable", path=_shown(path), detail=clean(str(error).partition("\n")[0], 200))


def _shown(path: Path) -> str:
    from tuner_tui.safe import clean

    return clean(str(path))
