"""The queue is the runs that wait, each with its own waiting process: no server, and nothing to lose when one dies."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence

import msgspec

from advisor.errors import InputError
from tuner_tui.runs.directory import RunDir, locked, refuse_foreign, run_folders, write_atomic
from tuner_tui.runs.events import EventKind, EventWriter, ExitReason
from tuner_tui.runs.identity import Identity, alive, elsewhere, identify, send
from tuner_tui.runs.spawn import spawn
from tuner_tui.runs.state import RunState, state_of

GIB = 2**30


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """`queue.json`: since when a run waits (unix seconds), for how much memory (bytes), on which GPUs, by whom.

    `gpus`: indexes as the driver counts them, () = any. `need_bytes` None = not known: the device's lock alone decides.
    """

    since: float
    need_bytes: int | None = None
    gpus: tuple[int, ...] = ()
    waiter: Identity | None = None
    reason: str | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the queue. `waited_for` says whether its waiting process lives."""

    id: str
    dir: str
    label: str | None
    position: int
    since: float
    need_gb: float | None
    reason: str | None
    waited_for: bool


def ticket_of(run: RunDir) -> Ticket | None:
    """The run's ticket; None when it does not wait or the ticket cannot be read."""
    try:
        return msgspec.json.decode((run.path / "queue.json").read_bytes(), type=Ticket)
    except (OSError, msgspec.MsgspecError):
        return None


def write_ticket(run: RunDir, ticket: Ticket) -> None:
    """Replace the ticket in one step."""
    write_atomic(run.path / "queue.json", msgspec.json.encode(ticket))


def leave_line(run: RunDir) -> None:
    """Take the ticket away: a run that has started, or never will, is not looked at by those who wait."""
    (run.path / "queue.json").unlink(missing_ok=True)


def waiting() -> list[tuple[RunDir, Ticket]]:
    """All runs that wait, the one that came first first."""
    found = [(run, ticket) for run in run_folders() if (ticket := ticket_of(run)) and state_of(run) is RunState.QUEUED]
    return sorted(found, key=lambda pair: (pair[1].since, pair[0].id))


def is_waited_for(ticket: Ticket) -> bool:
    """Whether the waiting process lives, here or, as far as we can tell, elsewhere."""
    return ticket.waiter is not None and (elsewhere(ticket.waiter) or alive(ticket.waiter))


def queue_up(
    run: RunDir, *, need_bytes: int | None = None, gpus: Sequence[int] = (), since: float | None = None
) -> Ticket:
    """Let the run wait for its turn in a process of its own; InputError when it does not wait to be started."""
    refuse_foreign(run)
    with locked(run):
        if state_of(run) is not RunState.QUEUED:
            raise InputError("runs.not_queued", run=run.id)
        ticket = Ticket(since=since or time.time(), need_bytes=need_bytes, gpus=tuple(gpus))
        write_ticket(run, ticket)
        child = spawn(run, [sys.executable, "-P", "-m", "tuner_tui.runs.waiter", str(run.path)])
        ticket = msgspec.structs.replace(ticket, waiter=identify(child.pid))
        write_ticket(run, ticket)
    return ticket


def revive() -> list[RunDir]:
    """Start a waiting process for every run whose own is gone (a reboot, a kill); its place in the queue stays."""
    revived = []
    for run, ticket in waiting():
        if not is_waited_for(ticket):
            queue_up(run, need_bytes=ticket.need_bytes, gpus=ticket.gpus, since=ticket.since)
            revived.append(run)
    return revived


def leave_queue(run: RunDir) -> bool:
    """Take a waiting run out of the queue; False when it waits no more (it was just started)."""
    refuse_foreign(run)
    with locked(run):
        ticket = ticket_of(run)
        if state_of(run) is not RunState.QUEUED:
            return False
        if ticket is not None and ticket.waiter is not None:
            send(ticket.waiter, signal.SIGTERM)
        leave_line(run)
        with EventWriter(run.events_path) as events:
            events.emit(EventKind.EXIT, reason=ExitReason.STOPPED.value, code=0, text=None)
    return True


def listed() -> list[Waiting]:
    """The queue as people and scripts see it."""
    return [
        Waiting(
            id=run.id,
            dir=str(run.path),
            label=info.label if (info := run.info()) else None,
            position=position,
            since=ticket.since,
            need_gb=round(ticket.need_bytes / GIB, 2) if ticket.need_bytes is not None else None,
            reason=ticket.reason,
            waited_for=is_waited_for(ticket),
        )
        for position, (run, ticket) in enumerate(waiting(), 1)
    ]
