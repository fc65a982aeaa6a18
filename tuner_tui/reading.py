"""Slow looks at the outside happen here, off the interface's thread; what came back is kept once and told to all.

A look at data ends as an Inspection, as the InputError that says what is wrong, or as CANCELLED; a probe as a Machine
or None. What a look is doing is read from `progress`, so that it need not be told while nobody watches.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from textual.signal import Signal
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.outside import Unavailable
from tuner_tui.progress import Progress

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp
    from tuner_tui.inline import InlineApp
    from tuner_tui.state import Wizard

CANCELLED = "cancelled"
"""In place of an inspection: the person did not want to wait."""


class Cancelled(Exception):
    """Raised inside a look that nobody waits for any more."""


class Against(NamedTuple):
    """What rows are looked at with: the model whose tokenizer counts them, held-out data that they must not repeat."""

    model: str | None = None
    test: str | None = None


class _Look(NamedTuple):
    against: Against
    stop: threading.Event


class Reading:
    """What was read so far: the machine, and what each data path holds."""

    def __init__(self, app: TunerApp | InlineApp) -> None:
        self._app = app
        self.machine: Any = None
        self.probed = False
        self.inspections: dict[str, Any] = {}
        self.progress: dict[str, Progress] = {}
        self._pending: dict[str, _Look] = {}
        self._done: dict[str, Against] = {}
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
        return None if isinstance(held, InputError | str) else held

    def against(self, wizard: Wizard, name: str) -> Against:
        """What the path of this name is looked at with: held-out data only once it could be read itself."""
        if name == "docs_path":
            return Against()
        test = wizard.eval_path if name == "data_path" and self.found(wizard.eval_path) is not None else None
        return Against(wizard.model_path, None if test == wizard.data_path else test)

    def look_at(
        self, path: str | None, against: Against | None = None, *, again: bool = False, folders: bool = True
    ) -> None:
        """Inspect a path in a thread, once for each thing it is held against; `changed` tells the path when it is done.

        `folders=False` leaves a folder unread: while a path is typed, `/` may be its first character only.
        """
        against = against or Against()
        known = path in self.inspections and (self._done.get(path) == against or self._settled(path))
        if not path or path in self._pending or (known and not again):
            return
        look = self._pending[path] = _Look(against, threading.Event())
        self.progress.pop(path, None)
        work = partial(self._look, path, look, self._app.lang, folders)
        self._app.run_worker(work, thread=True, group="inspect", exit_on_error=False)

    def _settled(self, path: str) -> bool:
        """What could not be read, or was cancelled, is not read anew because something else changed."""
        return isinstance(self.inspections.get(path), InputError | str)

    def _look(self, path: str, look: _Look, lang: str, folders: bool) -> None:
        found: Any
        worker = get_current_worker()

        def heard(rows: int, share: float | None) -> None:
            if look.stop.is_set() or worker.is_cancelled:
                raise Cancelled
            self.progress[path] = Progress(rows, share)

        try:
            if not folders and Path(path).expanduser().is_dir():
                self._app.call_from_thread(self._left, path)
                return
            found = self._app.outside.inspect(path, lang, *look.against, heard)
        except Cancelled:
            found = CANCELLED
        except InputError as error:
            found = error
        except Unavailable:
            found = None
        except Exception as error:  # an unforeseen file must not take the app with it
            found = InputError("app.unreadable", path=path, detail=f"{type(error).__name__}: {error}")
        if not worker.is_cancelled:
            self._app.call_from_thread(self._looked, path, look, found)

    def _looked(self, path: str, look: _Look, found: Any) -> None:
        if self._pending.get(path) is not look:
            return
        self._left(path, quiet=True)
        if found is not CANCELLED or self.found(path) is None:
            self.inspections[path] = found
        self._done[path] = look.against
        self.changed.publish(path)

    def _left(self, path: str, *, quiet: bool = False) -> None:
        self._pending.pop(path, None)
        self.progress.pop(path, None)
        if not quiet:
            self.changed.publish(path)

    def cancel(self, path: str | None) -> bool:
        """Let go of a look; whether there was one. What was known of the path before stays."""
        look = self._pending.get(path or "")
        if path is None or look is None:
            return False
        look.stop.set()
        self._looked(path, look, CANCELLED)
        return True

    def forget(self) -> None:
        """Other answers, other files."""
        for path in list(self._pending):
            self.cancel(path)
        self.inspections.clear()
        self._done.clear()
