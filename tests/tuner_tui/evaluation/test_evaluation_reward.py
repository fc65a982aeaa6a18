"""Rewards by schema say what the schema says; a user's function is held to its limits and earns nothing beyond them."""

import json
import os
import time
from pathlib import Path

import psutil
import pytest

from advisor.errors import InputError
from advisor.recipe import Check, EvalSpec, Metric, RewardSpec
from tuner_tui.evaluation import measure
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.rewards import Judge, judge_of
from tuner_tui.evaluation.troubles import Troubles
from tuner_tui.evaluation.verdict import FILE_BYTES, PRINTED_BYTES

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


@pytest.mark.parametrize(
    ("body", "kind", "detail"),
    [
        ("def reward(p, a, r):\n    raise ValueError('no')", "raised", "ValueError: no"),
        ("def reward(p, a, r):\n    return None", "raised", "TypeError"),
        ("def reward(p, a, r):\n    return float('inf')", "no_number", "inf"),
        ("def reward(p, a, r):\n    while True: pass", "late", "0.5 s"),
        ("import os, sys\ndef reward(p, a, r):\n    print('bye', file=sys.stderr)\n    os._exit(3)", "ended", "bye"),
        ("def other(p, a, r):\n    return 1.0", "ended", "reward"),
        ("import nothing_of_that_name", "ended", "nothing_of_that_name"),
    ],
    ids=["error", "none", "infinite", "hangs", "exits", "no function", "no module"],
)
def test_a_function_that_fails_is_told_with_the_reason(tmp_path: Path, body: str, kind: str, detail: str) -> None:
    judge = own(tmp_path, body, timeout_s=0.5)
    assert judge(["q"], ["a"], ["r"]) == [0.0]
    found = judge.troubles
    assert (found.asked, found.failures, found.kind) == (1, 1, kind)
    assert detail in found.detail


def test_rewards_outside_of_0_to_1_are_cut_and_counted(tmp_path: Path) -> None:
    judge = own(tmp_path, "def reward(p, a, r):\n    return float(a)")
    assert judge(["q"] * 4, ["-3", "0.5", "7", "1"], ["r"] * 4) == [0.0, 0.5, 1.0, 1.0]
    assert (judge.troubles.beyond, judge.troubles.failures) == (2, 0)


def test_time_to_load_is_no_time_of_an_answer(tmp_path: Path) -> None:
    judge = own(tmp_path, "import time\ntime.sleep(1)\ndef reward(p, a, r):\n    return 1.0", timeout_s=0.5)
    assert judge(["q"], ["a"], ["r"]) == [1.0]


def test_a_function_that_prints_without_end_fills_no_log_and_blocks_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = own(tmp_path, "def reward(p, a, r):\n    print('x' * (1 << 20))\n    return 1.0")
    assert judge(["q" * (1 << 20)] * 3, ["a"] * 3, ["r"] * 3) == [1.0] * 3
    assert len(capsys.readouterr().err) <= PRINTED_BYTES


BACKTRACKS = r"^(\w+\s?)*$"


@pytest.mark.parametrize("nested", [False, True], ids=["pattern", "in a schema"])
def test_a_pattern_that_needs_forever_for_one_answer_is_ended_and_told(tmp_path: Path, nested: bool) -> None:
    answer = "word " * 40 + "!"
    spec = RewardSpec(check=Check.REGEX, pattern=BACKTRACKS, timeout_s=0.5)
    if nested:
        (tmp_path / "schema.json").write_text(json.dumps({"pattern": BACKTRACKS}))
        spec = RewardSpec(check=Check.JSON, schema=str(tmp_path / "schema.json"), timeout_s=0.5)
        answer = json.dumps(answer)
    judge, began = judge_of(spec), time.monotonic()
    assert judge(["q", "q"], [answer, '"word"'], ["r", "r"])[0] == 0.0
    assert time.monotonic() - began < 5
    assert (judge.troubles.failures, judge.troubles.kind) == (1, "late")


def test_a_metrics_pattern_that_needs_forever_is_ended_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "LIMIT_S", 0.5)
    told: list[Troubles] = []
    spec, rows = EvalSpec(metric=Metric.REGEX, pattern=BACKTRACKS), [Example(row=1, completion="")] * 2
    assert measure.graded(spec, rows, ["word " * 40 + "!", "word"], None, told.append) == [0.0, 1.0]
    assert [(each.asked, each.failures, each.kind) for each in told] == [(2, 1, "late")]


@pytest.mark.parametrize(
    "schema",
    [
        '{"type": "strin"}',
        '{"properties": ["a"]}',
        '{"pattern": "("}',
        '{"$ref": "#/$defs/nowhere"}',
        "null",
        "[" * 5000 + "]" * 5000,
        json.dumps({"enum": ["x" * (2 << 20)]}),
    ],
    ids=["type", "properties", "pattern", "reference", "null", "deep", "huge"],
)
def test_a_schema_that_cannot_be_used_is_refused_before_any_answer(tmp_path: Path, schema: str) -> None:
    (tmp_path / "schema.json").write_text(schema)
    with pytest.raises(InputError):
        judge_of(RewardSpec(check=Check.JSON, schema=str(tmp_path / "schema.json")))


def test_a_schema_that_refers_to_itself_without_end_earns_nothing_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"$ref": "#"}')
    judge = judge_of(RewardSpec(check=Check.JSON, schema=str(tmp_path / "schema.json")))
    assert judge(["q"], ["{}"], ["r"]) == [0.0]
    assert judge.troubles.failures == 1
