"""A recipe is looked at, rehearsed and only then started; every slow part of it happens off the interface's thread."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from textual import on, work
from textual.message import Message

from advisor.errors import InputError
from advisor.recipe import Recipe, encode_recipe
from tuner_tui.outside import Unavailable
from tuner_tui.safe import clean
from tuner_tui.screens.leaving import alive
from tuner_tui.screens.rehearse import Decided, RehearseScreen
from tuner_tui.screens.step import StepScreen
from tuner_tui.screens.sure import SureScreen


class LaunchingScreen(StepScreen):
    """A step that starts the run of `_recipe`. Subclasses draw: `measured` is called when a rehearsal is over."""

    class Checked(Message):
        """Everything that the recipe names was looked at (the recipe with absolute paths), or why it cannot run."""

        def __init__(self, ready: Recipe | None, error: str, then_start: bool) -> None:
            self.ready, self.error, self.then_start = ready, error, then_start
            super().__init__()

    class Started(Message):
        """A run was launched; an error says why not."""

        def __init__(self, run_id: str | None, error: str) -> None:
            self.run_id, self.error = run_id, error
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._recipe: Recipe | None = None
        self._rehearsed: tuple[Recipe, Any] | None = None
        self._starting = False

    def measured(self) -> None:
        """Draw what the rehearsal measured."""
        raise NotImplementedError

    def launch(self) -> None:
        """Start; when a run is alive, ask first."""
        run_id = self.wizard.run_id
        if run_id is not None and alive(self.tuner, run_id):
            self.app.push_screen(SureScreen("again", ("watch", "start", "stay"), run=run_id), self._decided)
        else:
            self._decided("start")

    def _decided(self, choice: str | None) -> None:
        if choice == "watch":
            self.tuner.open_step("run")
        elif choice == "start":
            self.check_all(then_start=True)

    # -- checking, rehearsing, starting ------------------------------------------------------------------------

    def check_all(self, *, then_start: bool) -> None:
        """Look at everything that the recipe names, then rehearse."""
        if self._recipe is not None and not self._starting:
            self._starting = True
            self.tell("plan.checking")
            self._check_all(self._recipe, self.tuner.lang, then_start)

    @work(thread=True, exclusive=True, group="start", exit_on_error=False)
    def _check_all(self, recipe: Recipe, lang: str, then_start: bool) -> None:
        ready, error = None, ""
        try:
            ready = self.tuner.outside.prepare(recipe, self.tuner.say("plan.source"))
        except InputError as wrong:
            error = wrong.text(lang)
        except (Unavailable, OSError) as wrong:
            error = f"{type(wrong).__name__}: {wrong}"
        self.post_message(self.Checked(ready, error, then_start))

    @on(Checked)
    def _checked(self, event: Checked) -> None:
        if event.ready is None:
            self._refuse(event.error)
        elif event.then_start and self._rehearsed is not None and self._rehearsed[0] == self._recipe:
            self._start(event.ready, self._rehearsed[1], self.tuner.lang)
        else:
            ready, recipe = event.ready, self._recipe

            def go_on(decided: Decided | None) -> None:
                self._went(recipe, ready, decided)

            self.notice("")
            self.app.push_screen(RehearseScreen(ready, then_start=event.then_start), go_on)

    def _went(self, recipe: Recipe | None, ready: Recipe, decided: Decided | None) -> None:
        """The rehearsal was decided upon: a change that had to be made stands in the recipe from then on."""
        self._starting = False
        if decided is None or recipe is None:
            return
        if decided.change:
            recipe, ready = (self.tuner.outside.changed(each, decided.change) for each in (recipe, ready))
            self.tuner.change(structs.replace(self.wizard, recipe=encode_recipe(recipe), recipe_stale=False))
        if decided.found is not None:
            self._rehearsed = (recipe, decided.found)
        self.measured()
        if decided.start:
            self._starting = True
            self.tell("plan.starting")
            self._start(ready, decided.found, self.tuner.lang)

    @work(thread=True, exclusive=True, group="start", exit_on_error=False)
    def _start(self, ready: Recipe, found: Any, lang: str) -> None:
        run_id, error = None, ""
        try:
            outside = self.tuner.outside
            run = outside.create_run(ready, encode_recipe(ready), found)
            outside.launch(run)
            run_id = run.id
        except InputError as wrong:
            error = wrong.text(lang)
        except (Unavailable, OSError) as wrong:
            error = f"{type(wrong).__name__}: {wrong}"
        self.post_message(self.Started(run_id, error))

    @on(Started)
    def _started(self, event: Started) -> None:
        if event.run_id is None:
            self._refuse(event.error)
        else:
            self._starting = False
            self.tuner.open_run(event.run_id)

    def _refuse(self, error: str) -> None:
        self._starting = False
        self.notice(clean(error, 600), "bad")
        self.notify(clean(error, 600), severity="error", timeout=10, markup=False)
