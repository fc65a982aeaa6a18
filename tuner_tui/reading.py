"""Slow looks at the outside happen here, off the interface's thread; what came back is kept once and told to all.

A look at data ends as an Inspection or as the InputError that says what is wrong; a probe as a Machine or None.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.signal import Signal
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.outside import Unavailable

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp
    from tuner_tui.inline import InlineApp


class Reading:
    """What was read so far: the machine, and what each data path holds."""

    def __init__(self, app: TunerApp | InlineApp) -> None:
        self._app = app
        self.machine: Any = None
        self.probed = False
        self.inspections: dict[str, Any] = {}
        self._pending: set[str] = set()
        self.changed: Signal[str] = Signal(app, "reading")

    # -- the machine -------------------------------------------------------------------------------------------

    def probe(self) -> None:
        """Read this machine in a thread; `changed` tells "machine" when it is done."""
        self._app.run_worker(self._probe, thread=True, exclusive=True, group="probe", exit_on_error=False)

    def _probe(self) -> None:
        worker = get_current_worker()
        try:
            machine = self._app.outside.probe()
        except Exception:  # a probe that fails must not take the app with it; the screens say that nothing was read
            machine = None
        if not worker.is_cancelled:
            self._app.call_from_thread(self._probed, machine)

    def _probed(self, machine: Any) -> None:
        self.machine, self.probed = machine, True
        self.changed.publish("machine")

    # -- data --------------------------------------------------------------------------------------------------

    def looking(self, path: str) -> bool:
        """Whether this path is being read now."""
        return path in self._pending

    def found(self, path: str | None) -> Any:
        """The Inspection of a path; None when there is none (yet)."""
        held = self.inspections.get(path or "")
        return None if isinstance(held, InputError) else held

    def look_at(self, path: str | None, *, again: bool = False, folders: bool = True) -> None:
        """Inspect a path in a thread, once; `changed` tells the path when it is done.

        `folders=False` leaves a folder unread: while a path is typed, `/` may be its first character only.
        """
        if not path or path in self._pending or (path in self.inspections and not again):
            return
        self._pending.add(path)
        look = partial(self._look, path, self._app.lang, folders)
        self._app.run_worker(look, thread=True, group="inspect", exit_on_error=False)

    def _look(self, path: str, lang: str, folders: bool) -> None:
        found: Any
        try:
            if not folders and Path(path).expanduser().is_dir():
                self._app.call_from_thread(self._left, path)
                return
            found = self._app.outside.inspect(path, lang)
        except InputError as error:
            found = error
        except Unavailable:
            found = None
        except Exception as error:  # an unforeseen file must not take the app with it
            found = InputError("app.unreadable", path=path, detail=f"{type(error).__name__}: {error}")
        if not get_current_worker().is_cancelled:
            self._app.call_from_thread(self._looked, path, found)

    def _looked(self, path: str, found: Any) -> None:
        self._pending.discard(path)
        self.inspections[path] = found
        self.changed.publish(path)

    def _left(self, path: str) -> None:
        self._pending.discard(path)
        self.changed.publish(path)

    def forget(self) -> None:
        """Other answers, other files."""
        self.inspections.clear()
