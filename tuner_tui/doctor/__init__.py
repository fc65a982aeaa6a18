"""What is wrong with an installation, and how to mend it: every check answers, and none of them changes anything."""

from __future__ import annotations

from tuner_tui.doctor.check import Check, Status
from tuner_tui.doctor.examine import examine

__all__ = ["Check", "Status", "examine"]
