"""Rows for hosted services keep the documented rules, judged by our own checker and, where installed, by theirs."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import export, recipe_of

from tuner_tui.export.chat_rules import problems

PEERS = os.environ.get("TUNER_PEERS")  # a folder of virtual environments with other people's tools

TOGETHER = (
    "import sys; from together.lib.utils.files import check_file; print(check_file(sys.argv[1])['is_check_passed'])"
)


def recipe_file(world: Path, folder: Path, label: str, data: str) -> Path:
    path = folder / "recipe.json"
    path.write_text(json.dumps(recipe_of(world, label, data, 8, {})), encoding="utf-8")
    return path


@pytest.mark.parametrize(("label", "data"), [("ft/sft:lora", "chats"), ("ft/dpo:lora", "prefs")])
def test_the_rows_keep_the_rules(world: Path, tmp_path: Path, label: str, data: str) -> None:
    code, said, words = export(recipe_file(world, tmp_path, label, data), "openai", tmp_path / "out")
    assert code == 0, (said, words[-2000:])
    file = tmp_path / "out" / "openai" / "train.jsonl"
    assert not file.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 36
    job = json.loads((tmp_path / "out" / "openai" / "job.json").read_text())
    assert job["method"]["type"] == ("dpo" if data == "prefs" else "supervised")
    assert {"train.learning_rate", "adapter.rank", "train.max_length"} <= said["unexpressed"].keys()
    if PEERS:
        judge = [f"{PEERS}/oa/bin/python", "-c", TOGETHER, str(file)]
        assert subprocess.run(judge, capture_output=True, text=True).stdout.strip() == "True"


def test_azure_gets_its_byte_order_mark(world: Path, tmp_path: Path) -> None:
    code, _, _ = export(recipe_file(world, tmp_path, "ft/sft:lora", "pairs"), "azure", tmp_path / "out")
    assert code == 0
    assert (tmp_path / "out" / "azure" / "train.jsonl").read_bytes().startswith(b"\xef\xbb\xbf{")


GOOD: dict[str, Any] = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
PAIR: dict[str, Any] = {
    "input": {"messages": GOOD["messages"][:1]},
    "preferred_output": GOOD["messages"][1:],
    "non_preferred_output": [{"role": "assistant", "content": "b"}],
}


def rules_broken(folder: Path, row: Any, *, preference: bool = False, raw: bytes = b"", **options: bool) -> set[str]:
    rows = [PAIR if preference else GOOD] * 10
    text = "\n".join(json.dumps(each) for each in [*rows, row])
    (folder / "x.jsonl").write_bytes(raw + text.encode())
    return {problem.rule for problem in problems(folder / "x.jsonl", preference=preference, **options)}


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (GOOD, None),
        ([1], "data_type"),
        ({"messages": []}, "missing_messages_list"),
        ({"messages": [{"role": "user"}]}, "message_missing_key"),
        ({"messages": [*GOOD["messages"], {"role": "wizard", "content": "x"}]}, "unrecognized_role"),
        ({"messages": [*GOOD["messages"], {"role": "user", "content": "x", "mood": 1}]}, "message_unrecognized_key"),
        ({"messages": [*GOOD["messages"], {"role": "user", "content": ""}]}, "missing_content"),
        ({"messages": GOOD["messages"][:1]}, "example_missing_assistant_message"),
        ({"messages": [*GOOD["messages"], {"role": "assistant", "content": "x", "weight": 2}]}, "weight"),
    ],
)
def test_each_broken_rule_of_a_chat_row_is_named(tmp_path: Path, row: Any, rule: str | None) -> None:
    broken = rules_broken(tmp_path, row)
    assert (rule in broken) if rule else not broken


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (PAIR, None),
        ({**PAIR, "preferred_output": []}, "missing_output"),
        ({**PAIR, "non_preferred_output": [{"role": "user", "content": "x"}]}, "unrecognized_role"),
        ({**PAIR, "input": {}}, "missing_messages_list"),
    ],
)
def test_each_broken_rule_of_a_preference_row_is_named(tmp_path: Path, row: Any, rule: str | None) -> None:
    broken = rules_broken(tmp_path, row, preference=True)
    assert (rule in broken) if rule else not broken


def test_the_byte_order_mark_and_the_least_number_are_judged(tmp_path: Path) -> None:
    assert rules_broken(tmp_path, GOOD, raw=b"\xef\xbb\xbf") == {"bom"}
    assert rules_broken(tmp_path, GOOD, azure=True) == {"no_bom"}
    (tmp_path / "few.jsonl").write_text(json.dumps(GOOD))
    assert {problem.rule for problem in problems(tmp_path / "few.jsonl", preference=False)} == {"too_few"}
