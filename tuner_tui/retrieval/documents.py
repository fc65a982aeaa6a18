"""A document is read as text or named as left out; what a file holds is never run, followed or fetched."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import unicodedata
from pathlib import Path
from typing import NamedTuple

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.documents import DOCUMENT_SUFFIXES, MAX_DOCUMENT_BYTES, files_in, text_of
from tuner_tui.inspect.opened import suffix_of
from tuner_tui.inspect.rows import Bad

ALLOWED = ", ".join(DOCUMENT_SUFFIXES)


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file's text; `name` is its path inside the folder, `sha256` that of its bytes."""

    name: str
    text: str
    sha256: str


class Listing(NamedTuple):
    """What lies in a folder, in name order: files to read with their state, names of no documents, and what is shut."""

    files: dict[Path, os.stat_result]
    others: list[str]
    shut: dict[str, InputError]


def listed(path: Path) -> Listing:
    """A folder's files, or the file itself; hidden ones are passed over and links to folders are not followed.

    InputError when nothing could be read as a document.
    """
    if not path.exists():
        raise InputError("retrieval.missing", path=path)
    found = Listing({}, [], {})
    for each in [path] if path.is_file() else files_in(path):
        if each.is_dir() and not each.is_symlink():
            wrong = InputError("retrieval.unreadable", path=each, detail=os.strerror(errno.EACCES))
            found.shut[name_of(each, path)] = wrong
            continue
        if suffix_of(each) not in DOCUMENT_SUFFIXES:
            found.others.append(name_of(each, path))
            continue
        try:
            state = each.stat()
        except OSError as error:  # a link to nothing or to itself; a file that went away meanwhile
            found.shut[name_of(each, path)] = InputError("retrieval.unreadable", path=each, detail=error.strerror)
            continue
        if stat.S_ISREG(state.st_mode):
            found.files[each] = state
        else:
            found.shut[name_of(each, path)] = InputError("inspect.not_a_file", path=each)
    if not found.files:
        raise next(iter(found.shut.values()), InputError("retrieval.no_documents", path=path, allowed=ALLOWED))
    return found


def name_of(path: Path, root: Path) -> str:
    """How a file is cited: its path inside the folder, in one Unicode form whatever the file system keeps."""
    inside = path.name if root.is_file() else path.relative_to(root).as_posix()
    return unicodedata.normalize("NFC", os.fsencode(inside).decode("utf-8", "backslashreplace"))


def read(path: Path, root: Path) -> Document:
    """One document; InputError names a file that is too large, broken, in an unknown encoding or not to be read."""
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            raise InputError("retrieval.row_too_large", path=path, most=MAX_DOCUMENT_BYTES)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        text = text_of(path)
    except OSError as error:
        raise InputError("retrieval.unreadable", path=path, detail=error.strerror) from None
    except UnicodeDecodeError as error:
        raise InputError("retrieval.encoding", path=path, byte=error.start) from None
    if isinstance(text, Bad):
        raise InputError(f"retrieval.{text.code}", path=path, most=MAX_DOCUMENT_BYTES)
    return Document(name=name_of(path, root), text=text, sha256=sha256)
