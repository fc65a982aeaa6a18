"""Where runs and models are kept: writable, private, on a disk with room that can lock and rename."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tuner_tui import paths
from tuner_tui.doctor.check import Check, fail, good, warn
from tuner_tui.hub_cache import hub_cache

FULL_GB = 1.0
TIGHT_GB = 20.0
FEW_NAMES = 10_000
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "lustre", "beegfs", "gpfs", "ceph", "fuse.sshfs", "9p", "afs")
FLEETING = ("tmpfs", "ramfs")


def checks() -> Iterator[Check]:
    """The state folder, its room and privacy; the model cache; the folder for temporary files."""
    home = paths.home()
    yield writable(home)
    yield private(home)
    yield room("disk", home)
    yield file_system(home)
    yield cache(hub_cache())
    yield room("tmp", Path(tempfile.gettempdir()))


def nearest(path: Path) -> Path:
    """The path itself, or the first folder above it that exists."""
    return next((folder for folder in (path, *path.parents) if folder.exists()), Path("/"))


def writable(home: Path) -> Check:
    """Really write, flush, lock and rename a file there, in a folder that exists already; then remove it."""
    folder = nearest(home)
    if not folder.is_dir():
        return fail("home", "not_a_folder", path=folder)
    name = folder / f".tuner-doctor-{secrets.token_hex(4)}"
    moved = name.with_suffix(".moved")
    try:
        _exercise(name, moved)
    except OSError as error:
        case = {errno.EACCES: "denied", errno.EPERM: "denied", errno.EROFS: "read_only", errno.ENOSPC: "full"}
        known = {"path": home, "detail": error.strerror or str(error)}
        return fail("home", case.get(error.errno or 0, "broken"), **known)
    finally:
        for each in (name, moved):
            each.unlink(missing_ok=True)
    return good("home", "ok" if home.exists() else "later", path=home)


def _exercise(name: Path, moved: Path) -> None:
    import fcntl

    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(fd, b"tuner" * 200)
        os.fsync(fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(fd)
    name.replace(moved)


def private(home: Path) -> Check:
    """Runs hold data: nobody else may look into their folder, and it must be ours."""
    runs = home / "runs"
    if not runs.is_dir():
        return good("private", "none")
    found = runs.stat()
    if found.st_uid != os.geteuid():
        return warn("private", "foreign", path=runs, owner=found.st_uid)
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        return warn("private", "open", path=runs, mode=f"{mode:o}")
    return good("private", path=runs)


def room(name: str, path: Path) -> Check:
    """Free space and free names (inodes) where a path lies."""
    folder = nearest(path)
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize / 2**30
    known = {"path": path, "free": f"{free:.1f}"}
    if found.f_files > 0 and found.f_favail < FEW_NAMES:
        return fail(name, "names", path=path, count=found.f_favail)
    if free < FULL_GB:
        return fail(name, "full", **known)
    return warn(name, "tight", **known) if name == "disk" and free < TIGHT_GB else good(name, **known)


def file_system(home: Path, mounts: Path = Path("/proc/self/mounts")) -> Check:
    """What kind of file system keeps the runs: one in memory forgets, one over a network may not lock."""
    kind = kind_of(nearest(home).resolve(), mounts)
    if kind in FLEETING:
        return warn("file_system", "fleeting", path=home, kind=kind)
    if kind in REMOTE:
        return warn("file_system", "remote", path=home, kind=kind)
    return good("file_system", kind=kind or "?")


def kind_of(path: Path, mounts: Path) -> str | None:
    """The kind of the file system that holds a path, by the kernel's list of mounts; None when it is not known."""
    best, kind = -1, None
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        parts = line.split()
        if len(parts) < 3:
            continue
        point = Path(parts[1].replace("\\040", " "))
        if (path == point or point in path.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), parts[2]
    return kind


def cache(folder: Path) -> Check:
    """Models from the hub are kept there."""
    place = nearest(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        return warn("cache", "denied", path=folder)
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return good("cache", "offline", path=folder)
    return good("cache", path=folder)
