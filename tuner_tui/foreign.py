"""A file that a stranger wrote: opened only when it is one, read only as far as such a file goes, believed in nothing.

A pipe in its place is not waited for, a device without end not read, a nest of brackets not followed.
"""

from __future__ import annotations

import errno
import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from advisor.errors import InputError

SMALL_BYTES = 1 << 24
HEADER_BYTES = 100_000_000
"""The most that a header of safetensors has (safetensors, MAX_HEADER_SIZE)."""
MOST_AXES = 16
_BITS = {"BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64}
_BITS |= {"F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64}
_BITS |= {"F8_E4M3": 8, "F8_E5M2": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F8_E8M0": 8, "F4": 4}


class Tensor(msgspec.Struct, frozen=True):
    """What a header of safetensors says of one tensor. `data_offsets`: first byte and the one after the last."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]

    @property
    def count(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)


def opened(path: Path) -> BinaryIO:
    """The file for reading; OSError for what is missing, may not be read or is no regular file (links are followed)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_small(path: Path, most: int = SMALL_BYTES) -> bytes:
    """All of a file; OSError as `opened` has it, and for one of more than `most` bytes."""
    with opened(path) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return found


def json_in(path: Path, most: int = SMALL_BYTES) -> Any:
    """What a small JSON file holds; InputError says why it cannot be read."""
    try:
        return msgspec.json.decode(read_small(path, most))
    except OSError as error:
        detail = error.strerror or str(error)
    except RecursionError:
        detail = "nested too deep"
    except (msgspec.DecodeError, ValueError) as error:
        detail = str(error)[:120]
    raise InputError("file.unreadable", path=str(path), detail=detail)


def mapping(path: Path, most: int = SMALL_BYTES) -> dict[str, Any]:
    """The JSON object that a small file holds; empty for anything else."""
    try:
        found = json_in(path, most)
    except InputError:
        return {}
    return found if isinstance(found, dict) else {}


def tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a safetensors file by name, from its header (8 bytes length, JSON, data).

    ValueError when the header lies: about its own length, a shape, or where bytes of the file are; OSError as `opened`.
    """
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if not 1 < length <= min(HEADER_BYTES, size - 8):
            raise ValueError(f"a header of {length} bytes in a file of {size}")
        raw = file.read(length)
    try:
        parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        parts.pop("__metadata__", None)
        found = {name: msgspec.json.decode(part, type=Tensor) for name, part in parts.items()}
    except RecursionError:
        raise ValueError("nested too deep") from None
    for name, tensor in found.items():
        _refuse_lie(name[:80], tensor, size - 8 - length)
    return found


def _refuse_lie(name: str, tensor: Tensor, data_bytes: int) -> None:
    """ValueError when a tensor is not where and as large as its header says. A dtype that is not known is believed."""
    first, end = tensor.data_offsets
    if not 0 <= first <= end <= data_bytes:
        raise ValueError(f"{name}: bytes {first} to {end} of {data_bytes}")
    if len(tensor.shape) > MOST_AXES or any(not 0 <= axis < 1 << 63 for axis in tensor.shape):
        raise ValueError(f"{name}: a shape that cannot be")
    bits = _BITS.get(tensor.dtype)
    if bits is not None and tensor.count * bits != 8 * (end - first):
        raise ValueError(f"{name}: {tensor.dtype} {tensor.shape} in {end - first} bytes")
