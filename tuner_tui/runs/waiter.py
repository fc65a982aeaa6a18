"""One run's waiting process: starts it when it is first in line, a device's lock is free and its memory is free too."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from advisor.errors import InputError, Refused
from advisor.recipe import decode_recipe
from tuner_tui.runs.devices import Device, devices
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.identity import identify
from tuner_tui.runs.locks import try_lock
from tuner_tui.runs.queue import Ticket, is_waited_for, leave_line, ticket_of, waiting, write_ticket
from tuner_tui.runs.room import refuse_without_room
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import launch
from tuner_tui.words import language

POLL_S = 1.0


class Turn(NamedTuple):
    """Whether the run may start now: where and by which lock, else why not."""

    device: Device | None = None
    lock: int | None = None
    reason: str | None = None


def turn(run: RunDir, ticket: Ticket, found: Callable[[tuple[int, ...]], list[Device]] = devices) -> Turn:
    """The first device that is free for this run; the lock that comes with it is ours to pass on or close."""
    first = next((other for other, theirs in waiting() if is_waited_for(theirs) or other == run), run)
    if first != run:
        return Turn(reason=f"behind:{first.id}")
    if not _has_room(run):
        return Turn(reason="disk")
    reason = "no_device"
    for device in found(ticket.gpus):
        lock = try_lock(device.lock)
        if lock is None:
            reason = "device_busy"
            continue
        if ticket.need_bytes is None or device.free_bytes is None or device.free_bytes >= ticket.need_bytes:
            return Turn(device=device, lock=lock)
        os.close(lock)
        reason = "memory"
    return Turn(reason=reason)


def _has_room(run: RunDir) -> bool:
    """Whether the disk holds what the run may write; a recipe that cannot be read is the child's to refuse."""
    try:
        refuse_without_room(decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)), run)
    except Refused:
        return False
    except (InputError, OSError):
        return True
    return True


def wait_for_turn(run: RunDir, poll_s: float = POLL_S) -> int:
    """Wait, then start the run and be gone; the exit code is 0 also when someone else took it out of the queue."""
    me = identify(os.getpid())
    while (ticket := ticket_of(run)) is not None and state_of(run) is RunState.QUEUED:
        now = turn(run, ticket)
        if now.device is not None and now.lock is not None:
            if now.device.visible is not None:
                os.environ["CUDA_VISIBLE_DEVICES"] = now.device.visible
            launch(run, keep=(now.lock,))
            leave_line(run)
            return 0
        if (now.reason, me) != (ticket.reason, ticket.waiter):
            write_ticket(run, msgspec.structs.replace(ticket, reason=now.reason, waiter=me))
        time.sleep(poll_s)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(wait_for_turn(RunDir(Path(sys.argv[1]).resolve())))
    except InputError as error:
        print(error.text(language()), file=sys.stderr)
        sys.exit(2)
