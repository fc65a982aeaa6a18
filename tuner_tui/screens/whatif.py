"""What if: other facts are tried on a copy, and the answers change only when the person says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer

from advisor.facts import Facts, Gpu, Hardware, Tried
from tuner_tui.keys import bindings
from tuner_tui.screens.model import size_words
from tuner_tui.state import replace_at, value_at
from tuner_tui.widgets.advice_detail import reason_parts
from tuner_tui.widgets.hanging import Hanging
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.labels import short, spoken
from tuner_tui.widgets.speaks import Say
from tuner_tui.widgets.steps import Steps

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

SOON_S = 0.03
REASONS, NEXT = 3, 3

NUMBERS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "vram_gb": ("hardware.vram", (0.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 80.0, 141.0, 192.0)),
    "gpus": ("hardware.count", (1, 2, 4, 8)),
    "params_b": ("model.size", (0.5, 1.0, 1.7, 3.0, 4.0, 8.0, 14.0, 32.0, 70.0)),
    "instruction_pairs": ("kind.instruction_pairs", (0, 50, 200, 500, 1000, 5000, 20_000, 100_000)),
    "preference_pairs": ("kind.preference_pairs", (0, 100, 1000, 10_000, 30_000)),
    "verifiable_rewards": ("kind.verifiable_rewards", (0, 100, 1000, 10_000)),
    "documents": ("kind.documents", (0, 10, 100, 1000, 10_000)),
}
TRIED = ("prompting", "rag", "sft")
PATHS = {"params_b": "model.params_b", **{name: f"history.{name}" for name in TRIED}}


class WhatIfScreen(ModalScreen[Facts]):
    """Rows to move, and the answer that follows at once."""

    BINDINGS = bindings("whatif")
    help_key = "whatif"

    _soon: Timer | None = None

    def __init__(self, facts: Facts) -> None:
        super().__init__()
        self._today, self._facts = facts, facts

    @property
    def tuner(self) -> TunerApp:
        """The app, typed."""
        return cast("TunerApp", self.app)

    def compose(self) -> ComposeResult:
        """Rows above, answer below."""
        with Vertical(classes="dialog"):
            yield Say("whatif.title", id="title")
            with VerticalScroll(id="rows", can_focus=False):
                for name, (label, values) in NUMBERS.items():
                    yield Steps(name, label, values, read(self._today, name), self._number(name))
                for name in TRIED:
                    yield Steps(name, f"q.{name}.short", tuple(Tried), read(self._today, name), self._tried)
            with VerticalScroll(id="then", can_focus=False):
                yield Hanging(id="answer")
        yield KeyBar()

    def on_mount(self) -> None:
        """The answer of today first."""
        self.query(Steps).first().focus()
        self._answer()

    def _number(self, name: str) -> Any:
        def words(value: Any) -> str:
            if value is None:
                return self.tuner.say("q.unknown")
            if name == "vram_gb":
                return f"{value:g} GiB" if value else self.tuner.say("machine.no_gpu")
            return size_words(value) if name == "params_b" else f"{value:,}"

        return words

    def _tried(self, value: Any) -> str:
        return self.tuner.say("q.unknown") if value is None else self.tuner.say(f"tried.{value}")

    @on(Steps.Moved)
    def _moved(self, event: Steps.Moved) -> None:
        self._facts = write(self._facts, event.name, event.value)
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(SOON_S, self._answer)

    def retranslate(self) -> None:
        """The answer in the present language."""
        self._answer()

    def _answer(self) -> None:
        say, lang = self.tuner.say, self.tuner.lang
        recommend = self.tuner.outside.recommend
        then, now = recommend(self._facts, lang, flips=False), recommend(self._today, lang, flips=False)
        same = then.label == now.label
        parts: list[Content | tuple[str, str]] = [
            (say("whatif.same" if same else "whatif.other") + " ", "$text-muted" if same else "bold $warning"),
            (spoken(then.label, say) + "\n", "bold $primary"),
        ]
        if not same:
            parts.append((say("whatif.was", label=spoken(now.label, say)) + "\n", "$text-muted"))
        for key, of in (("confidence", _sure), ("memory", _memory), ("next", self._next)):
            parts += self._moved_parts(key, of(then), of(now))
        known = {reason.rule for reason in now.reasons}
        fresh = [reason for reason in then.reasons if reason.rule not in known]
        for reason in (fresh or then.reasons)[:REASONS]:
            parts += [(say("advice_panel.new") + " ", "$accent")] if fresh else []
            parts += reason_parts(reason, say)
        self.query_one("#answer", Hanging).tell(Content.assemble(*parts))

    def _moved_parts(self, key: str, then: str, now: str) -> list[tuple[str, str]]:
        """One thing as it would be, and as it is today where that differs."""
        if not then:
            return []
        today = "  " + self.tuner.say("whatif.today", value=now or "-") if now != then else ""
        name = self.tuner.say(f"whatif.{key}")
        return [(f"{name} ", "$text-muted"), (then, "" if now == then else "$accent"), (f"{today}\n", "$text-muted")]

    def _next(self, advice: Any) -> str:
        """What would come next."""
        others = [each for each in advice.ranking if each.label != advice.label and str(each.verdict) == "possible"]
        return ", ".join(short(each.label, self.tuner.say) for each in others[:NEXT])

    def action_apply(self) -> None:
        """These facts become the answers."""
        self.dismiss(self._facts)

    def action_cancel(self) -> None:
        """Nothing was meant."""
        self.dismiss(None)


def _sure(advice: Any) -> str:
    return f"{advice.confidence:.0%}"


def _memory(advice: Any) -> str:
    found = next((each.memory_gb for each in advice.ranking if each.label == advice.label), None)
    return f"{found.likely:.3g} GiB ({found.low:.3g}-{found.high:.3g})" if found else ""


def read(facts: Facts, name: str) -> Any:
    """The value that a row shows."""
    gpus = facts.hardware.gpus
    if name == "vram_gb":
        return None if gpus is None else gpus[0].vram_gb if gpus else 0.0
    if name == "gpus":
        return len(gpus) if gpus else 1
    return value_at(facts, PATHS.get(name, f"data.{name}"))


def write(facts: Facts, name: str, value: Any) -> Facts:
    """Facts with a row's value; GPUs change together."""
    if name not in ("vram_gb", "gpus"):
        changed: Facts = replace_at(facts, PATHS.get(name, f"data.{name}").split("."), value)
        return changed
    vram = value if name == "vram_gb" else read(facts, "vram_gb")
    count = value if name == "gpus" else read(facts, "gpus")
    gpus = None if vram is None else [Gpu(vram_gb=vram)] * count if vram else []
    hardware: Hardware = msgspec.structs.replace(facts.hardware, gpus=gpus)
    return msgspec.structs.replace(facts, hardware=hardware)
