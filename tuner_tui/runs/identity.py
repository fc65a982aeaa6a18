"""A process is a pid together with when it started: a number alone never counts as alive and is never signalled."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import msgspec

DEAD_STATES = frozenset("ZXx")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """One process on one boot of one machine.

    `start` is in clock ticks since boot on Linux (immune to clock changes), else unix seconds; `boot_id` is None
    where the system has none.
    """

    pid: int
    start: float
    boot_id: str | None = None
    host: str | None = None


def identify(pid: int) -> Identity | None:
    """The identity of a process, also of one that has ended but was not yet waited for; None when there is none."""
    start = _start_of(pid, ended=True)
    if start is None:
        return None
    return Identity(pid=pid, start=start, boot_id=boot_id(), host=socket.gethostname())


def alive(identity: Identity) -> bool:
    """Whether exactly this process still runs: same boot, same pid, same start, not a zombie."""
    if identity.boot_id != boot_id():
        return False
    return _start_of(identity.pid) == identity.start


def elsewhere(identity: Identity) -> bool:
    """Whether the process belongs to another machine (a shared disk), where we cannot look."""
    return identity.boot_id != boot_id() and identity.host not in (None, socket.gethostname())


def send(identity: Identity, number: signal.Signals) -> bool:
    """Signal exactly this process; False when it is gone. On Linux no other process can be hit in between."""
    if not hasattr(os, "pidfd_open"):
        return _send_by_pid(identity, number)
    try:
        fd = os.pidfd_open(identity.pid)
    except OSError:
        return False
    try:
        if not alive(identity):
            return False
        signal.pidfd_send_signal(fd, number)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _send_by_pid(identity: Identity, number: signal.Signals) -> bool:
    if not alive(identity):
        return False
    try:
        os.kill(identity.pid, number)
    except OSError:
        return False
    return True


def boot_id() -> str | None:
    """The id of this boot; None where the system does not give one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _start_of(pid: int, *, ended: bool = False) -> float | None:
    """When the process started; None when it is gone or, unless `ended` ones count, a zombie."""
    if pid <= 0:
        return None
    if not Path("/proc/self/stat").exists():
        return _start_by_psutil(pid, ended)
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The command name stands in brackets and may hold anything, brackets too: fields count from the last one.
    fields = stat[stat.rindex(b")") + 2 :].split()
    # Killed, its first thread may be gone while others still let go of memory, GPU and locks: it is gone with the last.
    dead = chr(fields[0][0]) in DEAD_STATES and int(fields[17]) <= 1
    return None if dead and not ended else float(fields[19])


def _start_by_psutil(pid: int, ended: bool) -> float | None:
    import psutil

    try:
        process = psutil.Process(pid)
        dead = process.status() == psutil.STATUS_ZOMBIE
        return None if dead and not ended else float(process.create_time())
    except psutil.Error:
        return None
