"""All checks together: what takes seconds runs in a child process while the quick ones are made here."""

from __future__ import annotations

from functools import partial

from tuner_tui.doctor import device, disk, installation, session, stack
from tuner_tui.doctor.check import Check, guarded
from tuner_tui.probe import probe


def examine() -> list[Check]:
    """Every check's answer, in the order in which they are read. Takes a few seconds, at most `stack.LIMIT_S`."""
    asked = stack.Asked()
    try:
        machine = probe()
        first = guarded(installation.python, installation.packages, installation.samples)
        after = guarded(partial(device.checks, machine), disk.checks, session.checks)
        return [*first, *guarded(partial(stack.checks, asked.answers(), machine)), *after]
    finally:
        asked.close()
