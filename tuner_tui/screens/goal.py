"""Step 1 asks what the model should do and the four decision questions, one at a time, each with its reason."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tuner_tui.questions import QUESTIONS, Question, chosen, fact
from tuner_tui.screens.asking import AskingScreen
from tuner_tui.state import Wizard, answer
from tuner_tui.widgets.advice_panel import AdvicePanel
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.speaks import Plain, Say

_BY_ID = {question.id: question for question in QUESTIONS}


class GoalScreen(AskingScreen):
    """Questions at the left with their answers; the one in hand at the right."""

    STEP = "goal"
    FIRST_FOCUS = "Answers"
    CSS_PATH = "goal.tcss"

    def compose_content(self) -> ComposeResult:
        """List, question, advice."""
        self.asked = QUESTIONS[0]
        with Horizontal():
            yield OptionList(id="questions", markup=False)
            with VerticalScroll(id="ask", can_focus=False):
                yield Say("q.goals", id="question")
                yield Say("q.goals.why", id="question-why")
                yield Answers("goals", "goal", self.asked.values, several=True)
                yield Input(id="number", restrict=r"[0-9.]*", max_length=12)
                with Vertical(id="hints"):
                    yield Plain(id="hint")
                    yield Say("q.goals.typical", id="typical")
            yield AdvicePanel(id="side")

    def load(self, wizard: Wizard) -> None:
        """Questions with their answers; the question in hand."""
        super().load(wizard)
        self._list(wizard)
        self._ask(self.asked)

    def _list(self, wizard: Wizard) -> None:
        options: list[Option] = []
        group, wide = "", max(cell_len(self.say(f"q.{question.id}.short")) for question in QUESTIONS) + 2
        for question in QUESTIONS:
            if question.group != group:
                group = question.group
                options.append(Option(Content.styled(self.say(f"q.group.{group}"), "$primary"), disabled=True))
            options.append(Option(self._line(question, wizard, wide), id=question.id))
        listed = self.query_one("#questions", OptionList)
        listed.set_options(options)
        with self.prevent(OptionList.OptionHighlighted):
            listed.highlighted = listed.get_option_index(self.asked.id)

    def _line(self, question: Question, wizard: Wizard, wide: int) -> Content:
        values = chosen(question, wizard.facts)
        said = ", ".join(self._said(question, value) for value in values)
        unknown = self.say("q.unknown") if question.path in wizard.answered else ""
        name = set_cell_size(self.say(f"q.{question.id}.short"), wide)
        return Content.assemble(f" {name}", (said or unknown, "$accent"))

    def _said(self, question: Question, value: str) -> str:
        return value if question.numeric else self.say(f"{question.prefix}.{value}")

    def _ask(self, question: Question) -> None:
        self.asked = question
        self.query_one("#question", Say).tell(f"q.{question.id}")
        self.query_one("#question-why", Say).tell(f"q.{question.id}.why")
        self.query_one("#typical", Say).tell(f"q.{question.id}.typical")
        answers, number = self.query_one(Answers), self.query_one("#number", Input)
        answers.display, number.display = not question.numeric, question.numeric
        values = chosen(question, self.wizard.facts)
        if question.numeric:
            with self.prevent(Input.Changed):
                number.value = values[0] if values else ""
        elif answers.question != question.id:
            answers.ask(question.id, question.prefix, question.values, question.several, values)
        else:
            answers.show(values)
        self._hint()

    def _hint(self) -> None:
        answers = self.query_one(Answers)
        key = ""
        if not self.asked.numeric and answers.highlighted is not None:
            key = f"{self.asked.prefix}.{answers.values[answers.highlighted]}.hint"
        self.query_one("#hint", Plain).show(self.say(key) if key and answers.knows(key) else "")

    # -- answers -----------------------------------------------------------------------------------------------

    @on(Answers.Changed)
    def _changed(self, event: Answers.Changed) -> None:
        question = _BY_ID[event.name]
        self.tuner.change(answer(self.wizard, question.path, fact(question, event.chosen)))

    @on(Answers.Accepted)
    def _accepted(self) -> None:
        self._next()

    @on(Input.Changed, "#number")
    def _typed(self, event: Input.Changed) -> None:
        try:
            value = fact(self.asked, (event.value.strip(),))
        except ValueError:
            event.input.add_class("-invalid")
            return
        event.input.remove_class("-invalid")
        self.tuner.change(answer(self.wizard, self.asked.path, value))

    @on(Input.Submitted, "#number")
    def _submitted(self) -> None:
        self._next()

    @on(OptionList.OptionHighlighted, "Answers")
    def _moved(self) -> None:
        self._hint()

    @on(OptionList.OptionHighlighted, "#questions")
    def _browsed(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_id:
            self._ask(_BY_ID[event.option_id])

    @on(OptionList.OptionSelected, "#questions")
    def _question_picked(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self._ask(_BY_ID[event.option_id])
            self._focus_answer()

    def _next(self) -> None:
        at = QUESTIONS.index(self.asked)
        if at + 1 == len(QUESTIONS):
            self.action_advance()
            return
        self._ask(QUESTIONS[at + 1])
        self._list(self.wizard)
        self._focus_answer()

    def _focus_answer(self) -> None:
        self.query_one("#number" if self.asked.numeric else "Answers").focus()
