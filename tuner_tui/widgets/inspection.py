"""What a file holds: kind, counts, lengths, problems that lead to their rows, and its first rows as they are."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.progress import Progress
from tuner_tui.safe import clean
from tuner_tui.widgets.histogram import told
from tuner_tui.widgets.lengths import Lengths
from tuner_tui.widgets.meter import bar
from tuner_tui.widgets.speaks import Plain, Speaks

ROWS, PROBLEMS, CHARS = 3, 30, 400
BAR = 24
STYLES = {"error": "bold $error", "warning": "$warning", "info": "$secondary"}

Part = Content | tuple[str, str]


class ProblemList(OptionList):
    """One line or more a problem; Enter leads to its first row."""

    BINDINGS: ClassVar[Any] = bindings("problems")
    DEFAULT_CSS = """
    ProblemList { height: auto; max-height: 100%; margin-top: 1; }
    ProblemList:blur > .option-list--option-highlighted { background: transparent; }
    """
    help_key = "problems"


class InspectionPanel(VerticalScroll, Speaks):
    """An inspection, an error, or how far it is being read; scrolls with the arrow keys."""

    help_key = "inspection"
    can_focus = True

    class Led(Message):
        """The person wants to see the rows of a problem."""

        def __init__(self, code: str) -> None:
            self.code = code
            super().__init__()

    def compose(self) -> ComposeResult:
        """Words, lengths, problems, first rows."""
        self._shown: tuple[Any, ...] = (None, None, False)
        self._progress: Progress | None = None
        self._empty = "data.no_path"
        self._listed: Any = None
        self.ascii_only = False
        yield Plain(id="found")
        yield Lengths(id="lengths")
        yield ProblemList(id="problems", markup=False)
        yield Plain(id="preview")

    def retranslate(self) -> None:
        """Say it anew."""
        if self.is_attached:
            self._listed = None
            self._draw()

    def show(self, path: str | None, found: Any, looking: bool, empty: str = "data.no_path") -> None:
        """Draw what was found at a path; `empty` is the key of what is said when there is no path."""
        self._empty = empty
        if (path, found, looking) != self._shown:
            self._shown = (path, found, looking)
            self._progress = None
            self.scroll_home(animate=False)
        self._draw()

    def advance(self, progress: Progress | None) -> None:
        """How far the reading is; nothing is drawn when it is where it was."""
        if progress != self._progress:
            self._progress = progress
            for words in self.query("#found").results(Plain):
                words.show(self._words())

    def _draw(self) -> None:
        path, found, _ = self._shown
        known = found if path and not isinstance(found, InputError | str) else None
        self.query_one("#found", Plain).show(self._words())
        lengths = self.query_one(Lengths)
        lengths.ascii_only = self.ascii_only
        lengths.show(known.histogram if known else {})
        self._list(known)
        preview = self.query_one("#preview", Plain)
        preview.display = bool(known and known.preview)
        preview.show(Content.assemble(*self._preview(known)) if known else "")

    def _words(self) -> Content:
        path, found, looking = self._shown
        if not path:
            return Content.styled(self.say(self._empty), "$text-muted")
        parts = self._reading() if looking else []
        if isinstance(found, InputError):
            text = clean(found.text(getattr(self.app, "lang", "en")), 1500, lines=True)
            return Content.assemble(*parts, (text, "$error"))
        if found is None or isinstance(found, str):
            key = "data.not_read" if found is None else "data.cancelled"
            return Content.assemble(*parts) if looking else Content.styled(self.say(key), "$text-muted")
        return Content.assemble(*parts, *self._summary(found))

    def _reading(self) -> list[Part]:
        """How far: the share of bytes as a bar where it is known, the rows so far, and the key that ends it."""
        progress = self._progress
        if progress is None:
            return [(self.say("data.looking") + "\n", "$text-muted")]
        parts: list[Part] = []
        if progress.share is not None:
            parts += [
                bar(progress.share, BAR, "$primary", ascii_only=self.ascii_only),
                (f" {progress.share:.0%}  ", ""),
            ]
        return [*parts, (self.say("data.progress", rows=f"{progress.rows:,}") + "\n", "$text-muted")]

    def _summary(self, found: Any) -> list[Part]:
        kind = self.say(f"kind.{found.kind}") if found.kind else self.say("data.kind_unknown")
        parts: list[Part] = [(kind, "bold $primary"), (f"  {found.format}\n", "$text-muted")]
        usable = "$success" if found.usable_rows == found.rows else "$warning"
        parts.append((self.say("data.rows", rows=f"{found.rows:,}", usable=f"{found.usable_rows:,}"), usable))
        if found.duplicates:
            parts.append((" · " + self.say("data.duplicates", count=found.duplicates), "$warning"))
        if found.tokens:
            lengths = {name: f"{getattr(found.tokens, name):,.0f}" for name in ("p50", "p95", "max")}
            parts.append(("\n" + self.say("data.tokens", **lengths), ""))
        numbers = told(found.histogram)
        if numbers:
            ends = {name: f"{getattr(numbers, name):,}" for name in numbers._fields}
            parts.append(("\n" + self.say("data.lengths", **ends), ""))
        names = ", ".join(clean(name, 40) for name in list(found.fields)[:8])
        parts.append(("\n" + self.say("data.fields", names=names), "$text-muted"))
        if not found.problems:
            parts.append(("\n" + self.say("data.no_problems"), "$success"))
        return parts

    def _list(self, found: Any) -> None:
        problems = self.query_one(ProblemList)
        listed = found.problems[:PROBLEMS] if found else []
        problems.display = bool(listed)
        if listed == self._listed:
            return
        at, self._listed = problems.highlighted, listed
        problems.set_options([Option(self._problem(found, problem), id=problem.code) for problem in listed])
        problems.highlighted = at if at is not None and at < len(listed) else 0 if listed else None

    def _problem(self, found: Any, problem: Any) -> Content:
        from tuner_tui.inspect.told import told as in_words

        severity = str(problem.severity)
        text = clean(in_words(found, problem, getattr(self.app, "lang", None)), 600)
        return Content.assemble((f"{self.say(f'severity.{severity}')} ", STYLES.get(severity, "")), text)

    @on(OptionList.OptionSelected, "#problems")
    def _led(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Led(str(event.option_id)))

    def _preview(self, found: Any) -> list[Part]:
        parts: list[Part] = []
        for number, row in enumerate(found.preview[:ROWS], 1):
            parts.append((f"\n{self.say('data.row', number=number)}\n", "$secondary"))
            for name, value in row.items():
                for said, text in turns(value) or [(name, value)]:
                    parts += [(f"{clean(said, 40)}: ", "$text-muted"), (f"{clean(text, CHARS)}\n", "")]
        return parts


def turns(value: str) -> list[tuple[str, str]]:
    """Chat messages as (who, what); nothing when the text is no whole list of messages."""
    if not value.startswith("[{"):
        return []
    try:
        messages = msgspec.json.decode(value, type=list[dict[str, Any]])
        return [(str(each.get("role") or each["from"]), str(each.get("content") or each["value"])) for each in messages]
    except (msgspec.DecodeError, KeyError):
        return []
