"""What strangers wrote, recorded as it reaches a real pseudo-terminal: there it is text, on every screen."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.facts import Facts, Goal
from advisor.recipe import DataSpec, ModelSpec, Recipe, encode_recipe
from tests.bench.terminal_driver import Terminal
from tuner_tui.state import Wizard, save

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

EVIL = "[red]R[/x] \x1b]52;c;ZXZpbA==\x07\x1b[31mS\x1b[2J\x9b31m\u202e\u2066\x00\x08 \U000e0041한글🙂 "
LONG = EVIL + "길y" * 600_000
DRIVES = {
    "clipboard": b"\x1b]52",
    "colour": b"\x1b[31m",
    "clear": b"\x1b[2J",
    "bell": b"\x07",
    "null": b"\x00",
    "backspace": b"\x08",
    **{hex(ord(char)): char.encode() for char in "\x9b\u202e\u2066\U000e0041"},
}
POINTER = re.compile(rb"\x1b\]22;[a-z-]*\x07")
"""What Textual itself sends to shape the mouse pointer."""
RUN = "20260101-0000-evil-aaaa"


def a_run(home: Path, name: str) -> None:
    """A finished run whose every text is hostile."""
    run = home / "runs" / name
    run.mkdir(parents=True)
    recipe = Recipe(name="evil", label="ft/sft:lora", model=ModelSpec(id=LONG[:3000]), data=DataSpec(train="t"))
    run.joinpath("recipe.yaml").write_text(encode_recipe(recipe))
    info = {"id": name, "created": 1.0, "label": EVIL, "name": EVIL, "versions": {EVIL: EVIL}}
    run.joinpath("run.json").write_text(json.dumps(info))
    events = [
        {"t": "start", "label": EVIL, "device": LONG, "model": EVIL},
        {"t": "phase", "name": EVIL},
        {"t": "step", "step": 1, "total": 2, "loss": 1.0, EVIL: 2.0, "rewards_" + EVIL: 1.0},
        {"t": "step", "step": 2, "total": 2, "loss": 0.5, EVIL: 2.5},
        {"t": "sample", "step": 2, "prompt": EVIL, "text": LONG, "base": EVIL, "reference": EVIL},
        {"t": "gpu", "device": EVIL, "source": EVIL, "used_bytes": 1, "total_bytes": 2},
        {"t": "warn", "code": EVIL, "text": LONG},
        {"t": "coach", "id": EVIL, "text": LONG, "action": EVIL},
        {"t": "exit", "reason": "error", "code": 1, "text": EVIL},
    ]
    lines = (json.dumps({"v": 1, "at": 1.0 + at, **event}) for at, event in enumerate(events))
    run.joinpath("events.jsonl").write_text("\n".join(lines) + "\n")
    run.joinpath("output.log").write_text(f"{EVIL}\n{LONG}\n{EVIL}\n")
    sample = {"prompt": EVIL, "reference": EVIL, "before": LONG, "after": EVIL}
    score = {"metric": EVIL, "score": 0.5, "low": 0.4, "high": 0.6, "items": 3}
    check = {"id": EVIL, "passed": False, "text": LONG, "value": {}}
    report = {"label": EVIL, "success": False, "before": score, "after": score, "checks": [check], "samples": [sample]}
    run.joinpath("report.json").write_text(json.dumps(report))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    home = tmp_path / "home"
    a_run(home, RUN)
    a_run(home, "20260101-0000-" + EVIL.replace("\x00", "").replace("/", ""))
    rows = tmp_path / f"rows{EVIL.translate({0: None, ord('/'): None})}.jsonl"
    pairs = [{"instruction": f"{n} {EVIL}", "output": LONG if n == 3 else EVIL, f"c{EVIL}": EVIL} for n in range(12)]
    rows.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    facts = Facts(goals=[Goal.STYLE])
    save(Wizard(facts=facts, data_path=str(rows), model_path=EVIL, run_id=RUN, step="data"), home / "draft.json")
    opened = Terminal("-m", "tuner_tui", columns=120, rows=40, env={"TUNER_HOME": str(home), "TUNER_LANG": "en"})
    yield opened
    opened.close()


WALK = (
    ("home", b"", "evil"),
    ("data", b"2", "12 rows"),
    ("a row", b"\x1b[21~", "[red]R[/x]"),
    ("the next row", b"\x1b[C", "[red]R[/x]"),
    ("make ready", b"\x1b\x12", "Rows to leave out"),
    ("made", b"\r", "train.jsonl"),
    ("the model", b"\x1b" + b"\x1bOS", "Which model?"),
    ("the hardware", b"\x1bOS", "Which hardware?"),
    ("the advice", b"\x1bOS", "Style"),
    ("the plan", b"6", "recipe.yaml"),
    ("the run", b"7", "failed"),
    ("another panel", b"\x1b[18~", ""),
    ("and another", b"\x1b[18~", ""),
    ("zoomed", b"\x1b[15~", ""),
    ("the log alone", b"\x1b[18~\x1b[18~", ""),
    ("all runs", b"\x1b\x0c", "evil"),
    ("the results", b"\x1b" + b"8", "Did it work?"),
    ("the bake-off", b"\x1b[18~", ""),
    ("why there is none", b"\r", ""),
    ("the export", b"\x1b" + b"9", "recipe"),
    ("help", b"\x1bOP", "Keys that work here"),
)


def test_no_screen_passes_on_what_drives_a_terminal(terminal: Terminal) -> None:
    at = 0
    for name, keys, shown in WALK:
        at = len(terminal.sent)
        if keys.startswith(b"\x1b") and keys[1:2] not in (b"[", b"O"):
            terminal.write(b"\x1b")  # alone, or it would be read as Alt with what follows
            terminal.quiet(0.8)
            keys = keys[1:]
        terminal.write(keys)
        if shown:
            terminal.until_after(at, shown, 20)
        terminal.quiet(0.6)
        sent = POINTER.sub(b"", terminal.sent)
        told = {what: sent[max(0, sent.find(drives) - 80) :][:120] for what, drives in DRIVES.items() if drives in sent}
        assert told == {}, name
    assert terminal.leave() == 0
