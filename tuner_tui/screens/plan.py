"""Step 6: one recipe, checked as it is typed; nothing starts before everything that it names was looked at."""

from __future__ import annotations

from typing import Any

from msgspec import structs
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.worker import get_current_worker

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.planning import Plan, plan, read, steps_of
from tuner_tui.safe import clean
from tuner_tui.screens.launching import LaunchingScreen
from tuner_tui.screens.step import Go
from tuner_tui.state import Wizard
from tuner_tui.widgets.hanging import Hanging
from tuner_tui.widgets.labels import FIELD_TERMS, spoken, terms
from tuner_tui.widgets.recipe_text import RecipeText, row_of
from tuner_tui.widgets.speaks import Plain
from tuner_tui.words import words as language_words

CHECK_S = 0.15


class PlanScreen(LaunchingScreen):
    """The recipe's text, what it means, and why each field is as it is."""

    STEP = "plan"
    GO = "go.start"
    FIRST_FOCUS = "#recipe"
    CSS_PATH = "plan.tcss"
    BINDINGS = bindings("plan")

    class Planned(Message):
        """A plan was made (or the error that says why not)."""

        def __init__(self, made: Plan | None, error: str) -> None:
            self.made, self.error = made, error
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._plan: Plan | None = None
        self._asked: tuple[Any, ...] | None = None
        self._error: InputError | None = None
        self._field = ""
        self._soon: Timer | None = None
        self._failed = False

    def compose_content(self) -> ComposeResult:
        """Text at the left, meaning at the right; below, the field under the cursor."""
        with Horizontal(id="plan"):
            with Vertical(id="left"):
                yield RecipeText(id="recipe")
                yield Plain(id="field")
            with VerticalScroll(id="meaning", can_focus=False):
                yield Hanging(id="summary")
        yield Plain(id="verdict")

    # -- planning ----------------------------------------------------------------------------------------------

    def load(self, wizard: Wizard) -> None:
        """The edited recipe, else one by rule."""
        self.query_one("#meaning").border_title = Content(self.say("plan.meaning"))
        self.query_one(RecipeText).border_title = Content(self.say("plan.recipe"))
        paths = (wizard.data_path, wizard.eval_path, wizard.docs_path, wizard.model_path)
        asked = (wizard.facts, wizard.preferred, *paths, self.tuner.lang)
        if wizard.recipe is not None:
            self._show_text(wizard.recipe)
        if asked != self._asked:
            self._asked = asked
            self._make(wizard, self.tuner.lang)
        self._draw()

    @work(thread=True, exclusive=True, group="plan", exit_on_error=False)
    def _make(self, wizard: Wizard, lang: str) -> None:
        made, error = None, ""
        try:
            made = plan(wizard, self.tuner.outside, lang)
        except InputError as wrong:
            error = wrong.text(lang)
        except Unavailable as missing:
            error = self.tuner.say("plan.unavailable", part=missing)
        except Exception as wrong:  # what a rule did not foresee must not take the app with it
            error = f"{type(wrong).__name__}: {wrong}"
        if not get_current_worker().is_cancelled:
            self.post_message(self.Planned(made, error))

    @on(Planned)
    def _planned(self, event: Planned) -> None:
        self._plan, self._failed = event.made, bool(event.error)
        if self.wizard.recipe is None:
            self._show_text(event.made.text or "" if event.made else "")
        told = event.error if self.wizard.recipe is None else ""
        self.notice(clean(told, 400), "bad" if told else "")
        self._draw()

    def _show_text(self, text: str) -> None:
        self.query_one(RecipeText).give(text)
        self._check()

    # -- editing -----------------------------------------------------------------------------------------------

    @on(RecipeText.Edited)
    def _edited(self) -> None:
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(CHECK_S, self._keep)

    def _keep(self) -> None:
        text = self.query_one(RecipeText).text
        self._soon = None
        self._check()
        self.tuner.change(structs.replace(self.wizard, recipe=text, recipe_stale=False))
        self._draw()

    def _check(self) -> None:
        text = self.query_one(RecipeText).text
        self._recipe, self._error = None, None
        if not text.strip():
            return
        try:
            self._recipe = read(text, self.say("plan.source"))
        except InputError as error:
            self._error = error

    @on(RecipeText.FieldEntered)
    def _entered(self, event: RecipeText.FieldEntered) -> None:
        self._field = event.field
        self._draw_field()

    # -- drawing -----------------------------------------------------------------------------------------------

    @property
    def _trains(self) -> bool:
        """Whether there is something to train: a plan that says so, or a recipe that was typed."""
        return self._plan is None or self._plan.text is not None or self.wizard.recipe is not None

    def _draw(self) -> None:
        trains = self._trains
        self.query_one("#left").display = trains
        self.query_one("#plan").set_class(not trains, "-no-training")
        self.query_one(Go).tell(self.GO if trains else "go.home")
        self.query_one("#summary", Hanging).tell(self._summary() if trains else self._no_training())
        self._draw_verdict(trains)
        self._draw_field()
        self.refresh_bindings()
        if not trains:
            self.query_one(Go).focus()

    def _draw_verdict(self, trains: bool) -> None:
        verdict, text = self.query_one("#verdict", Plain), self.query_one(RecipeText)
        text.set_class(self._error is not None, "-bad")
        verdict.display = trains
        if self._error is not None:
            verdict.set_classes("bad")
            verdict.show(self._located(self._error))
        elif self._recipe is not None:
            verdict.set_classes("warn" if self.wizard.recipe_stale else "good")
            key = "plan.stale" if self.wizard.recipe_stale else "plan.edited" if self.wizard.recipe else "plan.advised"
            verdict.show(self.say(key))
        else:
            verdict.show("")

    def _located(self, error: InputError) -> str:
        """The error's words, led by the line it is about."""
        key = str(error.params.get("key", ""))
        lines = self.query_one(RecipeText).text.split("\n")
        row = row_of(lines, key.replace("[...]", "")) if key else None
        words = clean(error.text(self.tuner.lang), 600)
        return self.say("plan.at_line", line=row + 1, text=words) if row is not None else words

    def _draw_field(self) -> None:
        field, words, words_of = self._field, [], language_words(self.tuner.lang)
        line = self.query_one("#field", Plain)
        if words_of.has(f"field.{field}"):
            words.append((self.say(f"field.{field}"), "$foreground"))
        why = self._recipe.why.get(field) if self._recipe else None
        if why:
            reason = self.say(why) if words_of.has(why) else clean(why, 300)
            words.append(((" " if words else "") + self.say("plan.because", why=reason), "$accent"))
        line.show(Content.assemble((f"{field}  ", "bold $primary"), *words) if words else "")

    def _summary(self) -> Content:
        recipe = self._recipe
        if recipe is None:
            return Content.styled(self.say("plan.none"), "$text-muted")
        rows = [
            ("plan.method", spoken(recipe.label, self.say)),
            ("plan.model", _tail(recipe.model.id)),
            ("plan.data", _tail(recipe.data.train)),
            ("plan.held_out", _tail(recipe.data.eval) if recipe.data.eval else f"{recipe.data.eval_fraction:.0%}"),
            ("plan.metric", self.say(f"metric.{recipe.evaluation.metric}")),
            *self._retrieval(recipe),
            *self._sizes(recipe),
        ]
        parts: list[tuple[str, str]] = []
        for key, value in rows:
            parts += [(self.say(key) + "\n", "$text-muted"), (f"  {value}\n", "")]
        return Content.assemble(*parts)

    def _retrieval(self, recipe: Recipe) -> list[tuple[str, str]]:
        """How passages are found, where the recipe has documents."""
        if recipe.data.docs is None:
            return []
        spec = recipe.retrieval
        how = {"retriever": spec.retriever, "passages": spec.passages, "tokens": spec.chunk_tokens}
        return [("plan.retrieval", self.say("plan.retrieval_value", **how))]

    def _sizes(self, recipe: Recipe) -> list[tuple[str, str]]:
        rows, computed = [], self.say("origin.computed")
        made = self._plan
        steps = steps_of(recipe, made.rows if made else None)
        if steps is not None:
            rows.append(("plan.steps", f"{steps} ({computed})"))
        memory = self._memory(recipe)
        if memory:
            host = self._peak_of(recipe) is not None and self._peak_of(recipe).device != "cuda"
            rows.append(("plan.host_memory" if host else "plan.memory", memory))
        if made is not None and made.label == recipe.label and made.hours is not None:
            span = self.say("plan.hours", low=f"{made.hours.low:.2g}", high=f"{made.hours.high:.2g}")
            rows.append(("plan.time", f"{span} ({computed})"))
        else:
            rows.append(("plan.time", self.say("plan.time_unknown")))
        return rows

    def _peak_of(self, recipe: Recipe) -> Any:
        """What was measured of exactly this recipe, if it was rehearsed."""
        return self._rehearsed[1] if self._rehearsed is not None and self._rehearsed[0] == recipe else None

    def _memory(self, recipe: Recipe) -> str:
        """What the run would hold, and whether the GPU has as much; "" without a GPU."""
        rehearsed = self._peak_of(recipe)
        if rehearsed is not None:
            peak = f"{rehearsed.peak_bytes / 2**30:.2f} GiB ({self.say('origin.measured')})"
            return f"{peak}\n  {self.say('plan.rehearsed')}"
        facts = self.wizard.facts
        gpu = facts.hardware.gpus[0] if facts.hardware.gpus else None
        span = self.tuner.outside.predict(recipe, facts.model.params_b) if gpu else None
        if gpu is None or span is None:
            return ""
        said = f"{span.low:.1f} - {span.high:.1f} GiB ({self.say('origin.computed')})"
        room = gpu.free_gb if gpu.free_gb is not None else gpu.vram_gb
        if room is None:
            return said
        fit = "fits" if span.high <= room else "too_much" if span.low > room else "tight"
        return f"{said}\n  {self.say(f'plan.{fit}', room=f'{room:.1f}')}"

    def measured(self) -> None:
        """A rehearsal is over: the recipe as it is now, and what was measured of it."""
        if self.wizard.recipe is not None:
            self._show_text(self.wizard.recipe)
        self._draw()

    def _no_training(self) -> Content:
        made = self._plan
        assert made is not None
        parts = [(spoken(made.label, self.say) + "\n\n", "bold $primary"), (self.say("plan.no_training") + "\n\n", "")]
        parts += [(f"{number}. {clean(step, 400)}\n", "") for number, step in enumerate(made.steps, 1)]
        return Content.assemble(*parts)

    def help_terms(self) -> list[str]:
        """The terms of the field under the cursor, then those of the planned method."""
        field = self._field if self.query_one(RecipeText).has_focus else ""
        return [*FIELD_TERMS.get(field, ()), *(terms(self._recipe.label) if self._recipe else ())]

    # -- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A rehearsal of what is trained; the advised plan again where another one stands, or none could be made."""
        if action == "reset":
            return self._failed or self.wizard.recipe is not None
        return self._trains if action in ("rehearse", "edit") else super().check_action(action, parameters)

    def action_reset(self) -> None:
        """As advised."""
        self._asked = None
        self.tuner.change(structs.replace(self.wizard, recipe=None, recipe_stale=False))
        self._reload(self.wizard)

    def action_edit(self) -> None:
        """To the text."""
        self.query_one(RecipeText).focus()

    def action_advance(self) -> None:
        """Start, when everything is in order; when a run is alive, ask first."""
        if not self._trains:
            self.tuner.go_home()
            return
        if self._soon is not None:
            self._soon.stop()
            self._keep()
        if not self._is_ready():
            return
        self.launch()

    def _is_ready(self) -> bool:
        """Whether there is a recipe to run; else the place is shown where it is wrong."""
        if self._recipe is None and self._error is not None:
            self.action_edit()
        elif self._recipe is None and self._plan is None and not self._failed:
            self.tell("plan.planning")
        return self._recipe is not None

    def action_rehearse(self) -> None:
        """Only measure; nothing is started."""
        if self._soon is not None:
            self._soon.stop()
            self._keep()
        if self._is_ready():
            self.check_all(then_start=False)


def _tail(path: str) -> str:
    """The last two parts of a path: what people know it by."""
    parts = clean(path, 200).rstrip("/").split("/")
    return "/".join(parts[-2:])
