"""Rewards by schema say what the schema says; a user's function is held to its limits and earns nothing beyond them."""

import json
import os
import time
from pathlib import Path

import psutil
import pytest

from advisor.recipe import Check, RewardSpec
from tuner_tui.evaluation.rewards import Judge, judge_of
from tuner_tui.evaluation.verdict import FILE_BYTES

SCHEMA = {
    "type": "object",
    "required": ["name", "price"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "price": {"type": "integer", "minimum": 0},
        "tags": {"type": "array", "items": {"enum": ["new", "used"]}},
    },
}


@pytest.mark.parametrize(
    ("answer", "reward"),
    [
        ('{"name": "Lumora", "price": 3}', 1.0),
        (' {"price": 0, "name": "노샘", "tags": ["new"]}\n', 1.0),
        ('{"name": "Lumora"}', 0.0),
        ('{"name": "Lumora", "price": "3"}', 0.0),
        ('{"name": "Lumora", "price": -1}', 0.0),
        ('{"name": "Lumora", "price": 3, "more": 1}', 0.0),
        ('{"name": "Lumora", "price": 3, "tags": ["old"]}', 0.0),
        ('The answer is {"name": "Lumora", "price": 3}', 0.0),
        ('{"name": "Lumora", "price": 3', 0.0),
        ("", 0.0),
    ],
)
def test_an_answer_earns_what_its_schema_allows(tmp_path: Path, answer: str, reward: float) -> None:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    judge = judge_of(RewardSpec(check=Check.JSON, schema=str(tmp_path / "schema.json")))
    assert judge(["?"], [answer], ["ignored"]) == [reward]


def own(folder: Path, body: str, timeout_s: float = 20.0) -> Judge:
    (folder / "reward.py").write_text(body, encoding="utf-8")
    return judge_of(RewardSpec(check=Check.PYTHON, python=f"{folder / 'reward.py'}:reward", timeout_s=timeout_s))


def test_a_function_of_the_users_sees_prompt_answer_and_reference(tmp_path: Path) -> None:
    judge = own(
        tmp_path, "def reward(prompt, answer, reference):\n    return (prompt, answer, reference) == ('q', '답', 'r')"
    )
    assert judge(["q", "q"], ["답", "other"], ["r", "r"]) == [1.0, 0.0]


def test_a_function_that_fills_the_disk_earns_nothing_and_is_cut_short(tmp_path: Path) -> None:
    big = tmp_path / "big"
    body = f"""
def reward(prompt, answer, reference):
    if answer == "write":
        with open({str(big)!r}, "wb", buffering=0) as file:
            for _ in range(64):
                file.write(bytes(1 << 20))
    return 1.0
"""
    assert own(tmp_path, body)(["q"] * 3, ["a", "write", "b"], ["r"] * 3) == [1.0, 0.0, 1.0]
    assert big.stat().st_size <= FILE_BYTES


@pytest.mark.parametrize("session", [False, True], ids=["child", "escapes"])
def test_what_a_function_started_ends_with_it(tmp_path: Path, session: bool) -> None:
    mark = f"born-{os.getpid()}-{session}"
    body = f"""
import subprocess, sys, time
def reward(prompt, answer, reference):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", {mark!r}], start_new_session={session})
    time.sleep(60)
"""
    assert own(tmp_path, body, timeout_s=2.0)(["q"], ["a"], ["r"]) == [0.0]
    until = time.monotonic() + 10
    while any(mark in (each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < until


@pytest.mark.parametrize(
    "body",
    [
        "def reward(p, a, r):\n    bytearray(8 << 30)\n    return 1.0",
        "def reward(p, a, r):\n    raise ValueError('no')",
        "def reward(p, a, r):\n    return float('nan')",
        "import os\ndef reward(p, a, r):\n    os._exit(0)",
        "def reward(p, a, r):\n    return 'much'",
    ],
    ids=["memory", "error", "nan", "exit", "text"],
)
def test_a_function_that_fails_earns_nothing_and_the_next_answer_is_asked(tmp_path: Path, body: str) -> None:
    assert own(tmp_path, body)(["q", "q"], ["a", "b"], ["r", "r"]) == [0.0, 0.0]
