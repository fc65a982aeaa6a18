"""`tuner advise` and `tuner rules`, as scripts call them: a fresh process, JSON out, true exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CONTRACT = {
    "label",
    "approach",
    "objectives",
    "technique",
    "confidence",
    "plan",
    "reasons",
    "warnings",
    "ranking",
    "flips",
}
FACTS = {"goals": ["style"], "data": {"instruction_pairs": 300}, "model": {"params_b": 7, "access": "open"}}


def tuner(*args: str, text: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process."""
    command = [sys.executable, "-m", "tuner_tui.cli", *args]
    environment = {**os.environ, "TUNER_LANG": "en", **env}
    return subprocess.run(command, input=text, capture_output=True, text=True, env=environment, check=False)


def advise(facts: dict[str, Any], *args: str) -> dict[str, Any]:
    done = tuner("advise", "--facts", "-", "--json", *args, text=json.dumps(facts))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_the_advice_has_the_keys_of_the_contract() -> None:
    advice = advise(FACTS)
    assert set(advice) >= CONTRACT
    assert set(advice["ranking"][0]) >= {"label", "verdict", "score", "memory_gb", "hours", "rules"}
    assert set(advice["reasons"][0]) >= {"rule", "text", "source", "evidence"}
    assert set(advice["flips"][0]) >= {"change", "label"}
    assert advice["label"] == "ft/style:lora"


def test_korean_speaks_korean_and_says_the_same() -> None:
    english, korean = advise(FACTS), advise(FACTS, "--lang", "ko")
    assert english["label"] == korean["label"]
    assert english["reasons"][0]["text"] != korean["reasons"][0]["text"]
    assert any("가" <= letter <= "힣" for letter in korean["reasons"][0]["text"])


def test_batch_answers_line_by_line_in_order() -> None:
    lines = [{"goals": ["style"], "data": {"instruction_pairs": n}} for n in (5, 5000)]
    done = tuner("advise", "--facts", "-", "--json", "--batch", text="\n".join(map(json.dumps, lines)) + "\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["label"] for answer in answers] == ["few_shot", "ft/style:lora"]


def test_yaml_from_a_file_and_words_for_a_person(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("goals: [inject_facts]\nknowledge: {changes: fast, needs_citations: true}\ndata: {documents: 90}\n")
    done = tuner("advise", "--facts", str(path))
    assert done.returncode == 0
    assert "rag" in done.stdout.splitlines()[0]
    assert "arxiv.org" in done.stdout


def test_a_method_that_is_as_good_is_told_as_such() -> None:
    facts = {
        "goals": ["inject_facts", "style"],
        "knowledge": {"changes": "slow"},
        "data": {"documents": 300, "instruction_pairs": 1200},
        "model": {"params_b": 8, "access": "open", "kind": "instruct"},
        "history": {"prompting": "insufficient"},
    }
    won, *others = advise(facts)["ranking"]
    equals = {row["label"] for row in others if row["score"] == won["score"] and row["verdict"] == "possible"}
    told = tuner("advise", "--facts", "-", text=json.dumps(facts)).stdout
    lines = {line.split()[0] for line in told.splitlines() if "as good by what is known" in line}
    assert lines
    assert lines <= equals


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"goals": ["fly"]}', "fly"),
        ('{"goal": ["style"]}', "goals"),
        ('{"data": {"instruction_pairs": -3}}', "data.instruction_pairs"),
        ("goals: [style", "stdin"),
        ("[1, 2]", "stdin"),
    ],
)
def test_bad_facts_are_named_and_refused(text: str, named: str) -> None:
    done = tuner("advise", "--facts", "-", "--json", text=text)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_broken_line_in_a_batch_is_named() -> None:
    done = tuner("advise", "--facts", "-", "--batch", "--json", text='{"goals": ["style"]}\n{"goals": \n')
    assert done.returncode == 2
    assert "line 2" in done.stderr


def test_a_missing_file_is_named() -> None:
    done = tuner("advise", "--facts", "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml" in done.stderr


def test_rules_are_listed_and_explained() -> None:
    listed = json.loads(tuner("rules", "--json").stdout)
    assert len(listed) > 80
    rule = json.loads(tuner("rules", "fit001", "--json").stdout)
    assert rule["id"] == "FIT001"
    assert all(work["title"] for work in rule["sources"])
    page = tuner("rules", "FIT001").stdout
    assert "hardware.gpus" in page
    warning = json.loads(tuner("rules", "hosted_tuning_closing", "--json").stdout)
    assert "2027-01-06" in warning["text"]


def test_an_unknown_rule_names_near_ones() -> None:
    done = tuner("rules", "FIT01")
    assert done.returncode == 2
    assert "FIT001" in done.stderr
