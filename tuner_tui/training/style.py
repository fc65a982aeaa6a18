"""Style tuning: the same things said in the wanted form; it is judged by the form (a regular expression) or the loss.

Supervised tuning on the answers alone: what is said must come from the question, so that only the form is learned.
"""

from __future__ import annotations

from advisor.methods import Objective
from tuner_tui.training import sft
from tuner_tui.training.formats import pairs

read = pairs
trainer = sft.trainer

if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.STYLE)
