"""The coach's last word stands above the log until it is acted on or put away; its action is one key, asked first."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from textual.content import Content
from textual.widgets import Static

from tuner_tui.safe import clean
from tuner_tui.widgets.speaks import Speaks
from tuner_tui.words import words


class CoachLine(Static, Speaks):
    """One finding: what is wrong, the evidence, and what the key would do."""

    DEFAULT_CSS = """
    CoachLine { height: auto; max-height: 5; padding: 0 1; margin: 0 1; border-left: outer $warning; display: none; }
    """
    help_key = "coach"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id, markup=False)
        self.finding: Mapping[str, Any] | None = None
        self.count = 0

    def show(self, finding: Mapping[str, Any] | None, count: int = 0) -> None:
        """Tell this finding (the newest of `count`); None puts the line away."""
        self.finding, self.count = finding, count
        self.display = finding is not None
        self.retranslate()

    def retranslate(self) -> None:
        """In the present language, from the evidence; a rule that we do not know keeps its own words."""
        if self.finding is None:
            return
        name, text, action = told(self.finding, getattr(self.app, "lang", None))
        more = f"  {self.say('coach_line.more', count=self.count - 1)}" if self.count > 1 else ""
        parts = [(f"{self.say('coach_line.says')} {name}{more}", "bold $warning")]
        if action:
            parts += [(f"  {self.say('coach_line.key')}", "bold $accent"), (f" {action}", "$foreground")]
        self.update(Content.assemble(*parts, (f"\n{text}", "$text-muted")))


def told(finding: Mapping[str, Any], lang: str | None) -> tuple[str, str, str]:
    """Name, text and action of a coach event in one language."""
    from advisor.coach import BY_ID

    table, id_ = words(lang), str(finding.get("id"))
    rule, evidence = BY_ID.get(id_), finding.get("evidence")
    text = clean(finding.get("text") or "", 600)
    if rule is None:
        return clean(id_, 40), text, ""
    if isinstance(evidence, Mapping):
        with contextlib.suppress(KeyError, ValueError, TypeError):
            text = clean(table.say(f"coach.{id_}.text", **{**rule.figures, **evidence}), 600)
    action = table.say(f"coach.{id_}.action") if finding.get("action") else ""
    return table.say(f"coach.{id_}.name"), text, action
