"""Leaving while a run is alive asks first; a run belongs to no terminal, so leaving it running is the default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advisor.errors import InputError
from tuner_tui.outside import Unavailable
from tuner_tui.screens.sure import SureScreen

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

CHOICES = ("leave", "stop", "stay")


class LeaveScreen(SureScreen):
    """Leave it running, stop it, or stay."""


async def leave(app: TunerApp) -> None:
    """Leave the app, after asking when a run is alive."""
    if isinstance(app.screen, LeaveScreen):
        return
    run_id = app.wizard.run_id
    if run_id is None or not alive(app, run_id):
        app.exit()
        return

    def decide(choice: str | None) -> None:
        if choice == "stop" and not stopped(app, run_id):
            return
        if choice in ("leave", "stop"):
            app.exit(message=app.say(f"leave.bye.{choice}", run=run_id))

    app.push_screen(LeaveScreen("leave", CHOICES, run=run_id), decide)


def stopped(app: TunerApp, run_id: str) -> bool:
    """Ask the run to stop; False, with the reason told, when it is not ours to stop."""
    try:
        app.outside.stop(app.outside.find_run(run_id))
    except (InputError, Unavailable, OSError) as error:
        text = error.text(app.lang) if isinstance(error, InputError) else str(error)
        app.notify(text, severity="error", timeout=10, markup=False)
        return False
    return True


def alive(app: TunerApp, run_id: str) -> bool:
    """Whether the run's process lives."""
    try:
        return app.outside.state_of(app.outside.find_run(run_id)) in ("running", "stale")
    except (InputError, Unavailable, OSError):
        return False
