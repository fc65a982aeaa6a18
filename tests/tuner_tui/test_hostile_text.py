"""Text that strangers wrote (data, recipes, names, run folders) reaches a terminal through no command as anything
that could drive it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tuner_tui import paths

EVIL = "\x1b]52;c;cHduZWQ=\x07\x1b[2J\x9b31m\u202e\x00\x08x"
DRIVES = re.compile("[\x00-\x08\x0b-\x0d\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, recipes, models and a run whose every text is hostile."""
    root = tmp_path_factory.mktemp("hostile")
    plain = EVIL.replace("\x00", "")
    rows = [{"instruction": f"{EVIL}{n}", "output": EVIL, plain: EVIL} for n in range(20)]
    (root / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    (root / f"{plain}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "table.csv").write_text(f"{plain},b\n{plain},2\n")
    model = root / f"m{plain}"
    model.mkdir()
    config = json.loads((paths.samples() / "model" / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "model_type": EVIL, "architectures": [EVIL]}))
    recipe = {"label": "ft/sft:lora", "model": {"id": str(model)}, "data": {"train": str(root / "rows.jsonl")}}
    for name, content in {
        "label": {**recipe, "label": EVIL},
        "key": {**recipe, EVIL: 1},
        "deep": {**recipe, "train": {EVIL: EVIL}},
        "name": {**recipe, "name": EVIL},
        "model": {**recipe, "model": {"id": EVIL}},
        "whole": recipe,
        "why": {**recipe, "why": {EVIL: EVIL}, "model": {"id": str(paths.samples() / "model")}},
    }.items():
        (root / f"{name}.json").write_text(json.dumps(content))
    (root / "docs").mkdir()
    for name in (f"a{plain}.md", f"b{plain}.pdf", f"c{plain}.docx"):
        (root / "docs" / name).write_text(f"# {EVIL}\n\nThe answer is {EVIL}.\n")
    (root / "facts.json").write_text(json.dumps({"goals": [EVIL], EVIL: 1}))
    (root / "axolotl.yaml").write_text(yaml.safe_dump({"base_model": EVIL, "datasets": [{"path": EVIL}], EVIL: EVIL}))
    run = root / "home" / "runs" / "20260101-0000-evil-0000"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text(json.dumps(recipe))
    (run / "run.json").write_text(
        json.dumps({"id": EVIL, "created": 1.0, "label": EVIL, "name": EVIL, "versions": {}, "recipe_sha256": EVIL})
    )
    events = [
        {"v": 1, "t": "start", "at": 1.0, "device": EVIL, "label": EVIL},
        {"v": 1, "t": "phase", "at": 1.5, "name": EVIL, "text": EVIL},
        {"v": 1, "t": "warn", "at": 2.0, "code": EVIL, "text": EVIL},
        {"v": 1, "t": "sample", "at": 2.5, "step": 1, "prompt": EVIL, "answer": EVIL, "reference": EVIL},
        {"v": 1, "t": "coach", "at": 2.6, "id": "COA001", "text": EVIL, "name": EVIL, "severity": EVIL},
        {"v": 1, "t": "exit", "at": 3.0, "reason": "error", "code": 1, "text": EVIL},
    ]
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    (run / "output.log").write_text(EVIL + "\n")
    return root


RUN = "20260101-0000-evil-0000"
COMMANDS = [
    *(("inspect", name) for name in ("rows.jsonl", "table.csv", EVIL.replace("\x00", "") + ".jsonl", "no" + EVIL[1:9])),
    *(("estimate", "--recipe", f"{name}.json") for name in ("label", "key", "whole")),
    *(("run", f"{name}.json") for name in ("label", "key", "deep", "name", "model", "whole")),
    *(("export", f"{name}.json", "--to", "recipe", "--out", "out") for name in ("label", "why")),
    ("export", "why.json", "--to", "x\x1b[2J", "--out", "out"),
    ("advise", "--facts", "facts.json"),
    ("plan", "--data", "rows.jsonl", "--model", "x\x1b[2J", "--label", "y\x1b[2J", "--out", "made.yaml"),
    ("plan", "--data", "rows.jsonl", "--set", "train.\x1b[2J=\x1b[2J", "--practice", "--out", "made.yaml"),
    ("import", "axolotl.yaml", "--out", "made.yaml"),
    ("prepare", "rows.jsonl", "--out", "made.jsonl"),
    ("models", "."),
    ("index", "docs"),
    ("index", "docs", "--ask", "x\x1b[2J"),
    ("index", "no\x1b[2J"),
    ("explain", "\x1b[2J"),
    ("rules", "\x1b[2J"),
    ("runs",),
    ("watch", RUN),
    ("watch", "\x1b[2J"),
    ("coach", RUN),
    ("stop", RUN),
    ("resume", RUN),
    ("queue", "\x1b[2J"),
    ("\x1b[2J",),
    ("run", "--\x1b[2J"),
]


@pytest.mark.slow
@pytest.mark.parametrize("args", COMMANDS, ids=lambda args: " ".join(args).encode("ascii", "replace").decode()[:40])
def test_no_byte_of_it_drives_the_terminal(place: Path, args: tuple[str, ...]) -> None:
    env = {**os.environ, "TUNER_HOME": str(place / "home"), "TUNER_LANG": "en", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "tuner_tui", *args]
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    for stream in (done.stdout, done.stderr):
        text = stream.decode("utf-8")
        assert not DRIVES.search(text), repr(text[max(0, DRIVES.search(text).start() - 200) :][:400])  # type: ignore[union-attr]
        assert "Traceback" not in text
    assert done.returncode in (0, 1, 2, 3)
