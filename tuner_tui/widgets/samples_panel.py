"""Answers to the same questions as the training goes on, beside the base model's; foreign text, drawn as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from textual.containers import VerticalScroll
from textual.content import Content

from tuner_tui.runs.view import Sample
from tuner_tui.widgets.hanging import Hanging, Row
from tuner_tui.widgets.speaks import Speaks

MAX_TEXT = 600


class SamplesPanel(VerticalScroll, Speaks, can_focus=True):
    """The latest answer to each question, with the base model's and the wanted one."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    SamplesPanel {
        border: round $rule; padding: 0 1;
        border-title-color: $foreground; border-subtitle-color: $text-muted;
    }
    SamplesPanel:focus { border: round $primary; }
    """
    help_key = "samples"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._samples: Sequence[Sample] = ()
        self._body = Hanging()

    def compose(self) -> Any:
        """One text."""
        yield self._body

    def on_mount(self) -> None:
        """The title needs the language."""
        self.retranslate()

    def retranslate(self) -> None:
        """Say it anew."""
        latest = self._latest()
        self.border_title = Content(self.say("samples.title"))
        step = latest[-1].step if latest else None
        self.border_subtitle = Content(self.say("samples.at", step=step)) if step is not None else None
        self._body.show(self._rows(latest))

    def show(self, samples: Sequence[Sample]) -> None:
        """Draw these samples, the newest of each question."""
        if samples != self._samples:
            self._samples = samples
            self.retranslate()

    def _latest(self) -> list[Sample]:
        return list({sample.prompt: sample for sample in self._samples}.values())

    def _rows(self, latest: list[Sample]) -> list[Row]:
        if not latest:
            return [(Content(""), Content.styled(self.say("samples.none"), "$text-muted"))]
        return [row for sample in latest for row in self._one(sample)]

    def _one(self, sample: Sample) -> list[Row]:
        rows = [("question", sample.prompt, "bold"), ("now", sample.text, "$primary")]
        rows += [("base", sample.base, "")] if sample.base is not None else []
        rows += [("wanted", sample.reference, "$success")] if sample.reference is not None else []
        words = {name: self.say(f"samples.{name}") for name, _, _ in rows}
        wide = max(map(cell_len, words.values()))
        shown: list[Row] = []
        for name, text, style in rows:
            label = Content.styled(words[name] + " " * (wide - cell_len(words[name]) + 1), "$text-muted")
            said = unblank(text)
            shown.append((label, Content.styled(said or self.say("samples.empty"), style if said else "$text-muted")))
        return shown


def unblank(text: str) -> str:
    """The beginning of a foreign text without its blank lines; blank text is empty."""
    return "\n".join(line.rstrip() for line in text.strip()[:MAX_TEXT].split("\n") if line.strip())
