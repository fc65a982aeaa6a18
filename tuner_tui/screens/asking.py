"""Steps that ask show beside the questions what their answers lead to; the advice follows each answer."""

from __future__ import annotations

from typing import Any

from textual.timer import Timer

from advisor.errors import InputError
from tuner_tui.outside import Unavailable
from tuner_tui.screens.step import StepScreen
from tuner_tui.state import Wizard
from tuner_tui.widgets.advice_panel import AdvicePanel, confidence
from tuner_tui.widgets.labels import spoken

SOON_S = 0.05


class AskingScreen(StepScreen):
    """A step with the live advice: at the side when wide, else in the foot line."""

    _soon: Timer | None = None
    _advice: Any = None

    def load(self, wizard: Wizard) -> None:
        """Ask for the advice once the keystroke has been drawn."""
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(SOON_S, self._advise)

    def _advise(self) -> None:
        self._advice = self._recommend()
        for panel in self.query(AdvicePanel):
            panel.show(self._advice)
        self._foot()

    def on_resize(self) -> None:
        """The panel comes and goes with the width."""
        self.call_after_refresh(self._foot)

    def _foot(self) -> None:
        """The advice in one line, unless the panel beside says it already."""
        advice = self._advice
        if any(panel.display for panel in self.query(AdvicePanel)):
            self.notice("")
        elif advice is None:
            self.tell("advice_panel.none")
        else:
            words = self.say("advice_panel.now", label=spoken(advice.label, self.say))
            self.notice(f"{words} · {confidence(advice.confidence, self.say)}", "muted")

    def _recommend(self) -> Any:
        if not self.wizard.facts.goals:
            return None
        try:
            return self.tuner.outside.recommend(self.wizard.facts, self.tuner.lang, flips=False)
        except (Unavailable, InputError):
            return None
        except Exception as error:  # an answer must stay possible; step 5 says what failed
            self.log.error("advice", error)
            return None
