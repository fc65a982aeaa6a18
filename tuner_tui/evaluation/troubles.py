"""An answer that could not be checked earns nothing, and that is told: zeros by themselves look like bad answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Troubles:
    """How many answers were asked about, how many could not be checked, and why the last one of these could not.

    `beyond` are rewards below 0 or above 1, which count as 0 and 1. Kinds of trouble: `late`, `raised`, `ended` (its
    process did), `no_number`.
    """

    def __init__(self) -> None:
        self.asked = self.failures = self.beyond = 0
        self.kind, self.detail = "", ""

    def failed(self, kind: str, detail: str = "") -> None:
        """One more answer that could not be checked."""
        self.failures += 1
        self.kind, self.detail = kind, detail

    @property
    def any(self) -> bool:
        """Whether there is anything to tell."""
        return self.failures + self.beyond > 0

    def texts(self, say: Callable[..., str]) -> list[tuple[str, dict[str, Any]]]:
        """What is to be told: the code of a warning and its parameters."""
        found: list[tuple[str, dict[str, Any]]] = []
        if self.failures:
            why = say(f"training.reward.{self.kind}", detail=self.detail)
            found.append(("reward_failed", {"count": self.failures, "of": self.asked, "why": why}))
        if self.beyond:
            found.append(("reward_beyond", {"count": self.beyond, "of": self.asked}))
        return found
