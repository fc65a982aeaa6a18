"""What all nine steps share: rail, heading, content, one line of advice with the button to go on, and the keys.

State flows one way: an answer becomes a message, the screen makes a new wizard of it, the app publishes it,
and `load` draws it. `load` is also called each time the screen comes back, so nothing is remembered twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button

from tuner_tui.keys import STEPS, bindings
from tuner_tui.state import Wizard
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.rail import Rail
from tuner_tui.widgets.speaks import Notice, Say
from tuner_tui.words import words

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp


class Go(Button):
    """The button that goes on; its words follow the language."""

    def __init__(self) -> None:
        super().__init__("", id="go", compact=True)
        self.key = "go.next"
        self.help_key = "go"

    def on_mount(self) -> None:
        """The language is known now."""
        self.retranslate()

    def retranslate(self) -> None:
        """Say it anew."""
        self.label = words(getattr(self.app, "lang", None)).say(self.key)

    def tell(self, key: str) -> None:
        """Another word for going on."""
        if key != self.key:
            self.key = key
            self.retranslate()
            self.screen.refresh_bindings()


WAYS = ("advance", "back", "runlist")
"""What a step about a run can do while there is none."""


class StepScreen(Screen[None]):
    """One step. Subclasses give STEP, `compose_content` and `load`; a step OF_A_RUN leads to the plan until one is."""

    STEP: ClassVar[str]
    FIRST_FOCUS: ClassVar[str | None] = None
    GO: ClassVar[str] = "go.next"
    OF_A_RUN: ClassVar[bool] = False
    BINDINGS = bindings("step")

    spoken: str = ""

    @property
    def tuner(self) -> TunerApp:
        """The app, typed."""
        return cast("TunerApp", self.app)

    @property
    def wizard(self) -> Wizard:
        """The answers."""
        return self.tuner.wizard

    @property
    def lacks_run(self) -> bool:
        """Whether this step is about a run and there is none."""
        return self.OF_A_RUN and self.wizard.run_id is None

    def say(self, key: str, /, **params: object) -> str:
        """The text of a key in the present language."""
        return self.tuner.say(key, **params)

    def compose(self) -> ComposeResult:
        """The frame around a step's content."""
        yield Rail(self.STEP)
        with Vertical(id="heading"):
            yield Say(f"step.{self.STEP}.title", id="title")
            yield Say(f"step.{self.STEP}.why", id="why")
        with Vertical(id="content"):
            yield from self.compose_content()
        with Horizontal(id="foot"):
            yield Notice(id="notice")
            yield Go()
        yield KeyBar()
        yield Say("app.too_small", id="too-small")

    def compose_content(self) -> ComposeResult:
        """The step's own widgets."""
        raise NotImplementedError

    def load(self, wizard: Wizard) -> None:
        """Draw these answers."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Follow the answers; put the focus where this person will go on."""
        self.tuner.wizard_changed.subscribe(self, self._reload)
        first = "#go" if self.wizard.practice or self.lacks_run or not self.FIRST_FOCUS else self.FIRST_FOCUS
        for widget in self.query(first).results(Widget):  # none when the app is left before the screen stood
            widget.focus()
            break

    def on_screen_resume(self) -> None:
        """Coming back: the present language, the present answers."""
        if self.spoken != self.tuner.lang:
            self.spoken = self.tuner.lang
            self.retranslate_all()
        self._reload(self.wizard)

    def retranslate_all(self) -> None:
        """Every widget says its words anew."""
        for widget in self.query("*"):
            retranslate = getattr(widget, "retranslate", None)
            if retranslate is not None:
                retranslate()

    def retranslate(self) -> None:
        """The language changed: what this screen composed itself is drawn anew."""
        if self.is_mounted:
            self._reload(self.wizard)

    def _reload(self, wizard: Wizard) -> None:
        if self.is_seen and self.is_mounted:
            self.query_one(Rail).show(done_steps(wizard))
            self.query_one(Go).tell("go.plan" if self.lacks_run else self.GO)
            self.load(wizard)
            self.refresh_bindings()

    @property
    def is_seen(self) -> bool:
        """Whether people see this screen, perhaps below a dialog. (`is_current` counts a hidden one below as well.)"""
        return self.is_active or (self.is_current and self.app.screen.is_modal)

    def notice(self, text: Any, style: str = "") -> None:
        """One line above the keys, put together elsewhere."""
        line = self.query_one(Notice)
        line.set_classes(style)
        line.show(text)

    def tell(self, key: str, style: str = "muted", **params: object) -> None:
        """One line above the keys by its key: it follows the language."""
        line = self.query_one(Notice)
        line.set_classes(style)
        line.tell(key, **params)

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.action_advance()

    @on(Rail.Picked)
    def _picked(self, event: Rail.Picked) -> None:
        self.tuner.open_step(event.step)

    def key_word(self, name: str) -> str | None:
        """The way on is called as its button is."""
        return self.query_one(Go).key if name == "advance" else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without its run a step has only the ways that lead on."""
        return action in WAYS if self.lacks_run else super().check_action(action, parameters)

    def action_advance(self) -> None:
        """To the next step."""
        at = STEPS.index(self.STEP)
        if self.lacks_run:
            self.tuner.open_step("plan")
        elif at + 1 < len(STEPS):
            self.tuner.open_step(STEPS[at + 1])

    def action_back(self) -> None:
        """To the step before; from the first one home. Answers stay."""
        at = STEPS.index(self.STEP)
        if at:
            self.tuner.open_step(STEPS[at - 1])
        else:
            self.tuner.pop_screen()


def done_steps(wizard: Wizard) -> frozenset[str]:
    """The steps that have an answer."""
    facts = wizard.facts
    done = {
        "goal": bool(facts.goals),
        "data": wizard.data_path is not None or "data" in wizard.answered,
        "model": bool(facts.model.id or facts.model.params_b),
        "hardware": facts.hardware.gpus is not None,
        "advice": bool(facts.goals) and STEPS.index(wizard.step) > STEPS.index("advice"),
        "plan": wizard.recipe is not None or wizard.run_id is not None,
        "run": wizard.run_id is not None,
    }
    return frozenset(step for step, known in done.items() if known)
