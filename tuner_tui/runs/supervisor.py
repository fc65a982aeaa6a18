"""A run belongs to no terminal: its process has its own session, its own output file, and nobody waits on a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe, decode_recipe
from tuner_tui.redact import mask
from tuner_tui.runs.adjust import agree
from tuner_tui.runs.changes import refuse_changes
from tuner_tui.runs.devices import free_locks
from tuner_tui.runs.directory import Rehearse, RunDir, RunInfo, locked, new_record, refuse_foreign
from tuner_tui.runs.identity import identify
from tuner_tui.runs.room import refuse_without_room
from tuner_tui.runs.spawn import spawn
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import StopLadder

_children: dict[Path, subprocess.Popen[bytes]] = {}


def launch(
    run: RunDir, *, resume: bool = False, command: Sequence[str] | None = None, keep: Sequence[int] | None = None
) -> RunInfo:
    """Start the run's process and record who it is; InputError when it already runs or cannot start.

    `command` stands in for the training child (its own arguments included); `keep` are the device locks that it
    inherits, by default all that are free; here they are closed.
    """
    refuse_foreign(run)
    with locked(run):
        info = run.info()
        if info is None:
            raise InputError("runs.no_record", path=str(run.info_path))
        if state_of(run).live:
            raise InputError("runs.already_running", run=run.id, pid=info.pid)
        run.stop_path.unlink(missing_ok=True)
        argv = list(command or child_command(run, resume=resume))
        events_from = run.events_path.stat().st_size if run.events_path.exists() else 0
        locks = free_locks() if keep is None else list(keep)
        try:
            child = spawn(run, argv, locks)
        finally:
            for lock in locks:
                os.close(lock)
        _children[run.path] = child
        info = recorded(info, child.pid, argv, events_from)
        run.write_info(info)
    return info


def claim(run: RunDir) -> None:
    """Record this process, the only one that writes the run's log, as the run's.

    Whoever launched it could not when killed in between; waits until they have, or are gone.
    """
    with locked(run):
        info = run.info()
        if info is not None and info.identity != identify(os.getpid()):
            begun = run.events_path.stat().st_size if run.events_path.exists() else 0
            run.write_info(recorded(info, os.getpid(), sys.orig_argv, begun))


def resume(
    run: RunDir, *, command: Sequence[str] | None = None, rehearse: Rehearse | None = None, shorter: bool = False
) -> RunInfo:
    """Go on with a run that was stopped, failed or crashed, from its last checkpoint; InputError otherwise.

    Also when its recipe or data were changed since. `rehearse`: another wish than the one it was created with.
    `shorter`: somebody agrees to shorter sequences, because memory ran out.
    """
    state = state_of(run)
    if state is RunState.FINISHED:
        raise InputError("runs.nothing_to_resume", run=run.id)
    if state.live:
        raise InputError("runs.already_running", run=run.id, pid=info.pid if (info := run.info()) else "?")
    refuse_changes(run)
    mask(run.log_path)  # a run that was killed could not do it itself
    recipe = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path))
    refuse_without_room(recipe, run)
    if run.info() is None:
        _record_anew(run, recipe)
    if shorter:
        agree(run)
        rehearse = rehearse or Rehearse.FIT
    info = run.info()
    if rehearse is not None and info is not None:
        run.write_info(msgspec.structs.replace(info, rehearse=rehearse))
    return launch(run, resume=state is not RunState.QUEUED, command=command)


def _record_anew(run: RunDir, recipe: Recipe) -> None:
    """A lost record costs no run: recipe, checkpoints and what it was begun from are all there without it."""
    run.write_info(new_record(run, recipe, run.recipe_path.stat().st_mtime))


def child_command(run: RunDir, *, resume: bool = False) -> list[str]:
    """How the training child is called. `-P`: nothing beside the run's files can be imported by accident."""
    ending = ["--resume"] if resume else []
    return [sys.executable, "-P", *_spread(run), "-m", "tuner_tui.training", str(run.path), *ending]


def _spread(run: RunDir) -> list[str]:
    """torchrun's own arguments where the recipe asks for more than one process; nodes meet at `launch.main`."""
    asked = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)).launch
    if asked.world == 1:
        return []
    meet = ["--standalone"]
    if asked.nodes > 1:
        meet = ["--nnodes", str(asked.nodes), "--rdzv-backend", "c10d", "--rdzv-endpoint", str(asked.main)]
    return ["-m", "torch.distributed.run", *meet, "--nproc-per-node", str(asked.processes)]


def exit_code(run: RunDir) -> int | None:
    """How the process ended, when it was ours: its exit code, or the negative signal number; None when not known."""
    child = _children.get(run.path)
    return child.poll() if child is not None else None


def request_stop(run: RunDir) -> StopLadder:
    """Ask the run to stop; climb the ladder that is returned until it says gone."""
    return StopLadder(run)


def wait(run: RunDir, timeout_s: float, poll_s: float = 0.1) -> RunState:
    """Wait until the run has ended, at most `timeout_s`; returns its state then."""
    until = time.monotonic() + timeout_s
    while (state := state_of(run)).live and time.monotonic() < until:
        time.sleep(poll_s)
    return state


def recorded(info: RunInfo, pid: int, argv: Sequence[str], events_from: int) -> RunInfo:
    """What is known about a run once a new attempt's process is there."""
    who = identify(pid)
    return msgspec.structs.replace(
        info,
        pid=pid,
        process_start=who.start if who else -1.0,
        boot_id=who.boot_id if who else None,
        host=who.host if who else None,
        launched=time.time(),
        attempt=info.attempt + 1,
        events_from=events_from,
        command=list(argv),
    )
