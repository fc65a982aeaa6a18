"""A quick question without leaving the shell: a few lines below the prompt; the answer stays when it closes."""

from __future__ import annotations

import os

os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")

from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.content import Content

from tuner_tui import keys, theme
from tuner_tui.outside import Outside
from tuner_tui.questions import QUESTIONS, Question, fact
from tuner_tui.reading import Reading
from tuner_tui.state import Wizard, answer, load_settings, with_hardware
from tuner_tui.widgets.advice_detail import reason_parts
from tuner_tui.widgets.advice_panel import confidence
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.field import Field
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.labels import spoken
from tuner_tui.widgets.speaks import Plain, Say
from tuner_tui.words import language, words

ASKED = ("goals", "changes", "prompting")
NUMBERS = {"instruction_pairs": "data.instruction_pairs", "documents": "data.documents", "params_b": "model.params_b"}
REASONS = 3

_BY_ID: dict[str, Question] = {question.id: question for question in QUESTIONS}


class InlineApp(App[str]):
    """Six questions; the result is the answer in words."""

    BINDINGS: ClassVar[Any] = keys.bindings("inline")
    CSS = """
    Screen { height: auto; max-height: 24; border: none; background: $background; }
    Answers { height: auto; max-height: 11; }
    #title { color: $primary; text-style: bold; }
    #why, #answer { color: $text-muted; }
    #answer { margin-top: 1; height: auto; }
    Field > Input { height: 1; border: none; background: $panel; width: 16; }
    KeyBar { dock: none; }
    """
    INLINE_PADDING = 0
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, *, lang: str | None = None, outside: Outside | None = None) -> None:
        super().__init__()
        self.lang = language(lang)
        self.outside = outside or Outside()
        self.wizard = Wizard()
        self.reading = Reading(self)
        self.at = 0
        for each in theme.THEMES:
            self.register_theme(each)
        self.theme = theme.first(load_settings().theme, self.console.color_system)

    def say(self, key: str, /, **params: object) -> str:
        """The text of a key."""
        return words(self.lang).say(key, **params)

    def compose(self) -> ComposeResult:
        """One question at a time, and what follows from the answers so far."""
        first = _BY_ID[ASKED[0]]
        yield Say(f"q.{first.id}", id="title")
        yield Say(f"q.{first.id}.why", id="why")
        yield Answers(first.id, first.prefix, first.values, several=first.several)
        for name in NUMBERS:
            label = "model.size" if name == "params_b" else f"kind.{name}"
            yield Field(name, label, number=True, whole=name != "params_b")
        yield Plain(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """Ask the first question; read this machine meanwhile."""
        self.reading.changed.subscribe(self, self._read)
        self.reading.probe()
        self._ask()

    def _read(self, what: str) -> None:
        if self.reading.machine is not None:
            self.wizard = with_hardware(self.wizard, self.reading.machine.hardware)
            self._answer()

    def _ask(self) -> None:
        name = (*ASKED, *NUMBERS)[self.at]
        for field in self.query(Field):
            field.display = field.field == name
        answers, question = self.query_one(Answers), _BY_ID.get(name)
        answers.display = question is not None
        if question is not None:
            self.query_one("#title", Say).tell(f"q.{name}")
            self.query_one("#why", Say).tell(f"q.{name}.why")
            if answers.question != name:
                answers.ask(name, question.prefix, question.values, question.several, ())
            answers.focus()
        else:
            self.query_one("#title", Say).tell("inline.numbers")
            self.query_one("#why", Say).tell(f"help.field.{name}")
            self.query_one(f"#{name}").focus()

    @on(Answers.Changed)
    def _changed(self, event: Answers.Changed) -> None:
        question = _BY_ID[event.name]
        self.wizard = answer(self.wizard, question.path, fact(question, event.chosen))
        self._answer()

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        self.wizard = answer(self.wizard, NUMBERS[event.name], event.value)
        self._answer()

    @on(Answers.Accepted)
    @on(Field.Entered)
    def _next(self) -> None:
        if self.at + 1 < len(ASKED) + len(NUMBERS):
            self.at += 1
            self._ask()
        else:
            self.exit(str(self._words()))

    def _answer(self) -> None:
        self.query_one("#answer", Plain).show(self._words())

    def _words(self) -> Content:
        if not self.wizard.facts.goals:
            return Content(self.say("advice_panel.none"))
        advice = self.outside.recommend(self.wizard.facts, self.lang, flips=False)
        parts: list[Content | tuple[str, str]] = [
            (spoken(advice.label, self.say), "bold $primary"),
            (f"  {advice.label}  {confidence(advice.confidence, self.say)}\n", "$text-muted"),
        ]
        for reason in advice.reasons[:REASONS]:
            parts += reason_parts(reason, self.say)
        return Content.assemble(*parts)

    def action_finish(self) -> None:
        """Leave with the answer so far."""
        self.exit(str(self._words()) if self.wizard.facts.goals else "")


def main(lang: str | None = None) -> int:
    """Ask below the prompt; the answer is printed and stays."""
    app = InlineApp(lang=lang)
    said = app.run(inline=True)
    if said:
        print(said)
    return app.return_code or 0
