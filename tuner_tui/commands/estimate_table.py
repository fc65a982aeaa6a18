"""Every method of one model by memory, against one card's line: what fits, how long rows may be, how many at once."""

from __future__ import annotations

from typing import Any

import msgspec

from advisor.memory.fitting import Fit
from advisor.memory.table import methods
from tuner_tui.commands import ExitCode, print_json
from tuner_tui.model_shapes import find_config
from tuner_tui.words import words

BAR = 30


def show(raw: dict[str, Any], source: str, room: float | None, *, as_json: bool) -> int:
    """Print the table; without a card the line is left out."""
    rows = methods(raw, source, room or 0.0, find_config)
    if as_json:
        unknown = {"verdict": None, "longest_seq": None, "largest_batch": None, "needs_ckpt": None}
        documents = [msgspec.to_builtins(row) | ({} if room else unknown) for row in rows]
        print_json({"room_gb": room, "methods": documents})
    else:
        print("\n".join(lines(rows, room)))
    return ExitCode.DONE


def lines(rows: list[Fit], room: float | None) -> list[str]:
    """One line a method: name, range, a bar to the likely peak with the card's line in it, what is possible."""
    say = words().say
    scale = max(row.peak_gb.likely for row in rows)
    scale = scale if room is None else min(scale, 2.0 * room)
    found = [say("estimate.table.room", room=f"{room:.1f}")] if room else []
    for row in rows:
        peak = row.peak_gb
        name = say(f"estimate.method.{row.name.split()[0]}") + "".join(f" {part}" for part in row.name.split()[1:])
        text = f"{_bar(peak.likely, scale, room)} {peak.likely:7.1f}  ({peak.low:.1f}..{peak.high:.1f})  {name}"
        found.append(text + (f"  {_possible(row)}" if room else ""))
    return found


def _bar(likely: float, scale: float, room: float | None) -> str:
    filled = min(BAR, round(BAR * likely / scale))
    cells = ["█" if at < filled else " " for at in range(BAR)]
    if room is not None and room < scale:
        cells[min(BAR - 1, round(BAR * room / scale))] = "│"
    return "".join(cells) + (">" if likely > scale else " ")


def _possible(row: Fit) -> str:
    say = words().say
    if row.verdict == "no":
        return say("estimate.table.no")
    text = say(f"estimate.table.{row.verdict}", longest=row.longest_seq, rows=row.largest_batch)
    return text if row.needs_ckpt is not False else f"{text} {say('estimate.table.bare')}"
