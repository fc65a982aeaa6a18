"""What a file holds, in words: kind, counts, lengths, problems with their remedy, and its first rows as they are."""

from __future__ import annotations

from typing import Any

import msgspec
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content

from advisor.errors import InputError
from tuner_tui.safe import clean
from tuner_tui.widgets.speaks import Plain, Speaks

ROWS, PROBLEMS, CHARS = 3, 12, 400
STYLES = {"error": "bold $error", "warning": "$warning", "info": "$secondary"}

Part = Content | tuple[str, str]


class InspectionPanel(VerticalScroll, Speaks):
    """An inspection, an error, or a word that it is being read; scrolls with the arrow keys."""

    help_key = "inspection"
    can_focus = True

    def compose(self) -> ComposeResult:
        """One text."""
        self._shown: tuple[Any, ...] = (None, None, False)
        self._empty = "data.no_path"
        yield Plain(id="found")

    def retranslate(self) -> None:
        """Say it anew."""
        if self.is_attached:
            self.query_one("#found", Plain).show(self._content(*self._shown))

    def show(self, path: str | None, found: Any, looking: bool, empty: str = "data.no_path") -> None:
        """Draw what was found at a path; `empty` is the key of what is said when there is no path."""
        self._empty = empty
        if (path, found, looking) != self._shown:
            self._shown = (path, found, looking)
            self.scroll_home(animate=False)
        self.retranslate()

    def _content(self, path: str | None, found: Any, looking: bool) -> Content:
        if not path:
            return Content.styled(self.say(self._empty), "$text-muted")
        if looking or found is None:
            return Content.styled(self.say("data.looking" if looking else "data.not_read"), "$text-muted")
        if isinstance(found, InputError):
            return Content.styled(clean(found.text(getattr(self.app, "lang", "en")), 1500, lines=True), "$error")
        return Content.assemble(*self._summary(found), *self._problems(found), *self._preview(found))

    def _summary(self, found: Any) -> list[Part]:
        kind = self.say(f"kind.{found.kind}") if found.kind else self.say("data.kind_unknown")
        parts: list[Part] = [(kind, "bold $primary"), (f"  {found.format}\n", "$text-muted")]
        usable = "$success" if found.usable_rows == found.rows else "$warning"
        parts.append((self.say("data.rows", rows=found.rows, usable=found.usable_rows), usable))
        if found.duplicates:
            parts.append((" · " + self.say("data.duplicates", count=found.duplicates), "$warning"))
        if found.tokens:
            lengths = {name: f"{getattr(found.tokens, name):.0f}" for name in ("p50", "p95", "max")}
            parts.append(("\n" + self.say("data.tokens", **lengths), ""))
        names = ", ".join(clean(name, 40) for name in list(found.fields)[:8])
        return [*parts, ("\n" + self.say("data.fields", names=names) + "\n", "$text-muted")]

    def _problems(self, found: Any) -> list[Part]:
        if not found.problems:
            return [(self.say("data.no_problems") + "\n", "$success")]
        parts: list[Part] = []
        for problem in found.problems[:PROBLEMS]:
            severity = str(problem.severity)
            parts.append((f"\n{self.say(f'severity.{severity}')} ", STYLES.get(severity, "")))
            parts.append((clean(problem.text, 600), ""))
        return [*parts, ("\n", "")]

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
