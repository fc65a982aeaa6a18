"""One run's context: everything the parts of the child process share, and the one place that says stop."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from advisor.errors import InputError
from advisor.methods import Label, Objective, Technique
from advisor.recipe import Precision, Recipe
from advisor.words import Words
from tuner_tui.runs.directory import Rehearse, RunDir
from tuner_tui.runs.events import Emits, EventKind


class Stopped(Exception):
    """The run was asked to stop, outside the training loop (inside it, a checkpoint comes first)."""


class Rehearsed(Exception):
    """All was rehearsed, and nothing else was asked for."""


class Diverged(Exception):
    """A number stopped being finite; `code` is a locale key under `training.`."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


@dataclass
class Job:
    """What one attempt at a run works with. `device` is `cuda` or `cpu`; `rows` are the training rows' numbers.

    `rank` counts the run's processes, `world` is how many there are; of each machine's the first `leads`: it alone
    writes events, checkpoints and the result.
    """

    run: RunDir
    recipe: Recipe
    events: Emits
    words: Words
    resume: bool = False
    device: str = "cpu"
    threads: int = 1
    rank: int = 0
    world: int = 1
    leads: bool = True
    rows: list[int] = field(default_factory=list)
    signalled: bool = False
    rehearse: Rehearse = Rehearse.FIRST
    parent: Job | None = None

    def trap_signals(self) -> None:
        """Signals set a flag and nothing else; work happens at the next step."""

        def flag(number: int, frame: object) -> None:
            self.signalled = True

        signal.signal(signal.SIGTERM, flag)
        signal.signal(signal.SIGINT, flag)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    @property
    def stopping(self) -> bool:
        """Whether someone asked the run to stop, by signal or by the stop file; all processes of it say the same."""
        if self.parent is not None:
            return self.parent.stopping
        from tuner_tui.training.spread import agreed

        return agreed(self, self.signalled or self.run.stop_path.exists())

    def check_stop(self) -> None:
        """Raise Stopped when the run was asked to stop."""
        if self.stopping:
            raise Stopped

    @property
    def say(self) -> Callable[..., str]:
        """Words of the run's language."""
        return self.words.say

    def phase(self, name: str) -> None:
        """Tell which part of the work begins."""
        self.events.emit(EventKind.PHASE, name=name)

    def warn(self, code: str, /, **params: Any) -> None:
        """Tell something that people should know but that does not stop the run."""
        self.events.emit(EventKind.WARN, code=code, text=self.say(f"training.warn.{code}", **params))

    @property
    def precision(self) -> Precision:
        """The number format that this device computes in."""
        from tuner_tui.training.model import number_format

        return number_format(self.recipe.train.precision, self.device)

    @property
    def label(self) -> Label:
        """The recipe's label, parsed."""
        return self.recipe.parsed_label

    @property
    def technique(self) -> Technique:
        """How weights move; InputError when the label does not tune."""
        if self.label.technique is None:
            raise InputError("training.does_not_tune", label=self.recipe.label)
        return self.label.technique

    @property
    def objective(self) -> Objective:
        """The objective of the only stage; InputError when the label does not tune or chains stages."""
        if not self.label.tunes:
            raise InputError("training.does_not_tune", label=self.recipe.label)
        if len(self.label.stages) > 1:
            raise InputError("training.one_stage", label=self.recipe.label)
        return self.label.stages[0][0]
