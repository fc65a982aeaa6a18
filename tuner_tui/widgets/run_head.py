"""The head of a run: its true state, how far it is, and what was measured last; every figure says where it is from."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tuner_tui.runs.progress import duration
from tuner_tui.runs.view import RunView
from tuner_tui.widgets.meter import bar
from tuner_tui.widgets.plot import short
from tuner_tui.widgets.speaks import Speaks

STYLES = {
    "running": "bold $primary",
    "finished": "bold $success",
    "stopped": "bold $warning",
    "failed": "bold $error",
    "crashed": "bold $error",
    "stale": "bold $warning",
}

Part = tuple[str, str]


class RunHead(Speaks):
    """Three rows: state and place, the bar, the latest measurements. What does not fit is left out from the end."""

    DEFAULT_CSS = "RunHead { height: 3; }"
    help_key = "run_head"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._view = RunView()
        self._state: str | None = None
        self._eta: Any = None
        self._notice: tuple[str, str] | None = None
        self.ascii_only = False

    def retranslate(self) -> None:
        """Say it anew."""
        self.refresh()

    def show(self, view: RunView, state: str | None, eta: Any, notice: tuple[str, str] | None) -> None:
        """Draw this; `eta` is a span of seconds, `notice` a text and style in place of the measurements."""
        fresh = (view, state, eta, notice)
        if fresh != (self._view, self._state, self._eta, self._notice):
            self._view, self._state, self._eta, self._notice = fresh
            self.refresh()

    def render(self) -> Content:
        """The three rows."""
        width = self.content_size.width
        last = [self._notice] if self._notice else self._measured()
        rows = [fitted(self._place(), width), self._bar(width), fitted(last, width)]
        return Content("\n").join(rows)

    def _place(self) -> list[Part]:
        view, state = self._view, self._state
        word = self.say(f"state.{state}") if state else self.say("run.attaching")
        parts = [(word, STYLES.get(state or "", "$text-muted"))]
        phase = f"runs.phase.{view.phase}"
        if state in ("running", "stale") and self.knows(phase):
            parts.append((self.say(phase), "$foreground"))
        if view.total:
            parts.append((self.say("run.step", step=view.step, total=view.total), "$foreground"))
        if self._eta is not None and state == "running":
            parts.append((self._left(), "$foreground"))
        if view.label:
            parts.append((view.label, "$text-muted"))
        return parts

    def _left(self) -> str:
        low, high = duration(self._eta.low), duration(self._eta.high)
        return self.say("run.left", left=low) if low == high else self.say("run.left_range", low=low, high=high)

    def _bar(self, width: int) -> Content:
        """The steps; beside them the epoch that they are in, where there is more than one."""
        view = self._view
        share = view.step / view.total if view.total else None
        said = f" {share:>4.0%}" if share is not None else ""
        epochs = view.epoch * view.total / view.step if view.epoch and view.total and view.step else 0.0
        beside = self._epoch(view.epoch or 0.0, round(epochs, 1), width // 3) if epochs > 1.05 else Content("")
        steps = max(1, width - len(said) - beside.cell_length)
        return Content.assemble(bar(share, steps, "$primary", ascii_only=self.ascii_only), said, beside)

    def _epoch(self, epoch: float, epochs: float, width: int) -> Content:
        done = epoch >= epochs - 1e-6
        within = 1.0 if done else epoch - int(epoch)
        word = "   " + self.say("run.epoch", epoch=f"{epoch:.1f}/{epochs:g}") + " "
        drawn = bar(within, max(4, width - cell_len(word)), "$secondary", ascii_only=self.ascii_only)
        return Content.assemble((word, "$text-muted"), drawn)

    def _measured(self) -> list[Part]:
        view = self._view
        held_out = next((loss for _, loss in reversed(view.eval_losses) if loss is not None), None)
        rate = next((lr for _, lr in reversed(view.learning_rates) if lr is not None), None)
        norm = next((value for _, value in reversed(view.grad_norms) if value is not None), None)
        figures = {"loss": view.loss, "eval_loss": held_out, "rate": rate, "speed": view.tokens_per_s, "norm": norm}
        said = [
            (self.say(f"run.{name}", value=short(value)), "") for name, value in figures.items() if value is not None
        ]
        if view.nonfinite:
            said.insert(0, (self.say("run.nonfinite", count=view.nonfinite), "bold $error"))
        return [*said, (self.say("origin.measured"), "$text-muted")] if said else []


def fitted(parts: list[Part], width: int) -> Content:
    """The parts with dots between, as many as fit into `width` cells; the first is cut when even it does not."""
    shown: list[Part] = []
    used = 0
    for text, style in parts:
        need = cell_len(text) + (3 if shown else 0)
        if used + need > width and shown:
            continue
        shown += [(" · ", "$text-muted")] * bool(shown) + [(text, style)]
        used += need
    return Content.assemble(*shown).truncate(width, ellipsis=True)
