"""Step 3 takes a folder, a hub name, or one of the models on this machine; size, access and kind stay editable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from advisor.errors import InputError
from advisor.facts import Access, Kind
from tuner_tui.keys import bindings
from tuner_tui.model_folders import FoundModel
from tuner_tui.safe import clean
from tuner_tui.screens.asking import AskingScreen
from tuner_tui.screens.picker import size_of
from tuner_tui.state import Wizard, answer, with_model
from tuner_tui.widgets.advice_panel import AdvicePanel
from tuner_tui.widgets.field import Field, PathField
from tuner_tui.widgets.labels import cut_to
from tuner_tui.widgets.pick import Pick
from tuner_tui.widgets.speaks import Plain, Say

UNKNOWN = "unknown"
SOON_S = 0.4
NAME = 34
"""Cells for the name of a model in the list."""


class ModelScreen(AskingScreen):
    """Where the model is, what is known of it, and the models found here."""

    STEP = "model"
    FIRST_FOCUS = "#model_path"
    CSS_PATH = "model.tcss"
    BINDINGS = bindings("model")

    _typing: Timer | None = None

    class Found(Message):
        """Models on this machine and in the catalogue."""

        def __init__(self, models: list[FoundModel]) -> None:
            self.models = models
            super().__init__()

    class Described(Message):
        """A folder was read (a FoundModel), or it cannot be used (an InputError), or it is no folder (None)."""

        def __init__(self, path: str, found: Any) -> None:
            self.path, self.found = path, found
            super().__init__()

    def compose_content(self) -> ComposeResult:
        """Fields, list, advice."""
        self.models: list[FoundModel] | None = None
        with Horizontal():
            with Vertical(id="model"):
                yield PathField("model_path", "model.path")
                yield Plain(id="said")
                yield Field("params_b", "model.size", number=True, unit="model.billions")
                yield Pick("access", "model.access", "access", (*Access, UNKNOWN))
                yield Pick("kind", "model.kind", "modelkind", (*Kind, UNKNOWN))
                yield Say("model.here", id="here")
                yield OptionList(id="models", markup=False)
            yield AdvicePanel(id="side")

    def on_mount(self) -> None:
        """Look for models once the screen stands."""
        super().on_mount()
        self.query_one("#models", OptionList).help_key = "model.list"  # type: ignore[attr-defined]
        self._find()

    def load(self, wizard: Wizard) -> None:
        """What is known of the model."""
        super().load(wizard)
        model = wizard.facts.model
        self.query_one("#field-model_path", Field).show(wizard.model_path or model.id)
        self.query_one("#field-params_b", Field).show(model.params_b)
        self.query_one("#access", Pick).show(self._value("model.access", model.access))
        self.query_one("#kind", Pick).show(self._value("model.kind", model.kind))
        self._show_models()
        if wizard.model_path:
            self._describe(wizard.model_path)

    def _value(self, path: str, value: Any) -> str | None:
        return str(value) if value is not None else UNKNOWN if path in self.wizard.answered else None

    # -- models on this machine --------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, group="models", exit_on_error=False)
    def _find(self) -> None:
        try:
            here = self.tuner.outside.local_models()
        except Exception:  # a cache that cannot be read shows as an empty list
            here = []
        self.post_message(self.Found([*here, *self.tuner.outside.catalog_models()]))

    @on(Found)
    def _found(self, event: Found) -> None:
        self.models = event.models
        self._show_models()

    def _show_models(self) -> None:
        listed = self.query_one("#models", OptionList)
        at = listed.highlighted
        models = self.models
        empty = self.say("model.looking" if models is None else "model.none_here")
        sources = {model.source: self.say(f"model.source.{model.source}") for model in models or []}
        wide = max(map(cell_len, sources.values()), default=0) + 2
        name = min(NAME, max((cell_len(clean(model.id, 80)) for model in models or []), default=0))
        lines = [
            Option(
                Content.assemble(
                    (f" {set_cell_size(sources[each.source], wide)}", "$secondary"), *self._line(each, name)
                )
            )
            for each in models or []
        ]
        listed.set_options(lines or [Option(Content.styled(f" {empty}", "$text-muted"), disabled=True)])
        listed.highlighted = at if at is not None and at < len(lines) else None

    def _line(self, model: FoundModel, wide: int) -> tuple[str, tuple[str, str]]:
        known = [self.say(f"modelkind.{model.kind}") if model.kind else "", size_of(model.bytes)]
        size = f"{size_words(model.params_b):>7}  " + " · ".join(each for each in known if each)
        return cut_to(clean(model.id, 80), wide), (size, "$text-muted")

    @on(OptionList.OptionSelected, "#models")
    def _picked_model(self, event: OptionList.OptionSelected) -> None:
        if self.models:
            self._take(self.models[event.option_index])
            self.query_one("#go").focus()

    def _take(self, model: FoundModel) -> None:
        """A model that was read: its folder, and what its files say."""
        self.tuner.change(with_model(self.wizard, model.path, id=model.id, params_b=model.params_b, kind=model.kind))

    # -- a typed path or name ----------------------------------------------------------------------------------

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        if event.name == "params_b":
            self.tuner.change(answer(self.wizard, "model.params_b", event.value or None))
            return
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(SOON_S, lambda: self._take_name(event.value))

    def _take_name(self, value: str | None) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        if value in {clean(each) for each in (self.wizard.model_path, self.wizard.facts.model.id) if each}:
            return
        self.query_one("#said", Plain).show("")
        known = self.tuner.outside.known_model(value) if value and not looks_local(value) else None
        size, kind = (known.params_b, known.kind) if known else (None, None)
        self.tuner.change(with_model(self.wizard, value, id=value, params_b=size, kind=kind))

    @work(thread=True, exclusive=True, group="describe", exit_on_error=False)
    def _describe(self, path: str) -> None:
        folder = Path(path).expanduser()
        found: Any = None
        try:
            if folder.is_dir() or looks_local(path):
                found = self.tuner.outside.read_model(folder)
        except InputError as error:
            found = error
        self.post_message(self.Described(path, found))

    @on(Described)
    def _described(self, event: Described) -> None:
        if event.path != self.wizard.model_path:
            return
        said, found = self.query_one("#said", Plain), event.found
        if isinstance(found, InputError):
            said.show(Content.styled(clean(found.text(self.tuner.lang), 400), "$error"))
            return
        if found is None:
            said.show(Content.styled(self.say("model.hub"), "$text-muted"))
            return
        facts = [clean(found.architecture or "", 60), size_words(found.params_b), size_of(found.bytes)]
        said.show(
            Content.styled(self.say("model.folder", facts=" · ".join(each for each in facts if each)), "$success")
        )
        model = self.wizard.facts.model
        if model.params_b is None or model.params_b != found.params_b:
            self.tuner.change(
                with_model(self.wizard, event.path, id=model.id, params_b=found.params_b, kind=model.kind or found.kind)
            )

    # -- the rest ----------------------------------------------------------------------------------------------

    @on(Pick.Picked)
    def _chosen(self, event: Pick.Picked) -> None:
        known = None if event.value == UNKNOWN else Access(event.value) if event.name == "access" else Kind(event.value)
        self.tuner.change(answer(self.wizard, f"model.{event.name}", known))

    @on(Field.Entered)
    def _entered(self, event: Field.Entered) -> None:
        if event.name == "model_path":
            self._take_name(self.query_one("#field-model_path", Field).input.value.strip() or None)
            self.query_one("#params_b").focus()
        else:
            self.query_one("#access").focus()

    @on(Pick.Entered)
    def _on(self, event: Pick.Entered) -> None:
        self.query_one("#kind" if event.name == "access" else "#go").focus()

    def action_browse_model(self) -> None:
        """Pick a folder in a list."""
        from tuner_tui.screens.picker import PickerScreen

        def take(path: str | None) -> None:
            if path:
                self._take_name(path)

        self.tuner.push_screen(PickerScreen("model.path", self.wizard.model_path, folders=True), take)


def looks_local(name: str) -> bool:
    """Whether a name can only be a path, not a hub name (`owner/name`)."""
    return name.startswith(("/", ".", "~")) or name.count("/") > 1


def size_words(params_b: float | None) -> str:
    """`8B`, `360M`, `9.9M`; empty when unknown."""
    if not params_b:
        return ""
    return f"{params_b:.3g}B" if params_b >= 1 else f"{params_b * 1000:.3g}M"
