"""Data that would teach nothing, or never teach the end, is refused before the first step, its rows shown."""

from pathlib import Path
from typing import Any

import little
import pytest

LONG = " ".join(["apple bread chair"] * 12)
SOUND = [{"prompt": f"say {word}", "completion": f"{word}!"} for word in little.WORDS]
CUT = [{"prompt": f"tell {word}", "completion": LONG} for word in (*little.WORDS, "say", "give")]


def refused(world: Path, folder: Path, label: str, rows: list[dict[str, Any]], metric: str = "loss") -> str:
    little.write(folder / "rows.jsonl", rows)
    made = little.recipe(world, label, "pairs", metric, train__max_steps=1, train__max_length=24)
    made["data"] = {"train": str(folder / "rows.jsonl")}
    assert little.start(folder / "run", made) == 2
    return str(little.events(folder / "run", "exit")[0]["text"])


def test_answers_that_are_mostly_cut_are_refused_and_their_rows_named(world: Path, tmp_path: Path) -> None:
    told = refused(world, tmp_path, "ft/sft:lora", [*SOUND, *CUT])
    assert "mostly_cut" in told
    assert str(len(SOUND) + 1) in told or str(len(SOUND) + 2) in told


def test_preference_answers_are_cut_only_in_the_batch_and_refused_all_the_same(world: Path, tmp_path: Path) -> None:
    rows = [{"prompt": r["prompt"], "chosen": r["completion"], "rejected": "no."} for r in [*SOUND, *CUT]]
    assert "mostly_cut" in refused(world, tmp_path, "ft/dpo:lora", rows, "preference_accuracy")


@pytest.mark.parametrize("label", ["ft/sft:lora", "ft/dpo:lora"])
def test_questions_that_fill_the_length_leave_nothing_to_learn(world: Path, tmp_path: Path, label: str) -> None:
    rows = [{"prompt": f"{LONG} {at}", "completion": "a", "chosen": "a", "rejected": "b"} for at in range(12)]
    assert "training.all_masked" in refused(world, tmp_path, label, rows)


def test_rows_without_an_answer_turn_are_refused(world: Path, tmp_path: Path) -> None:
    rows = [{"messages": [{"role": role, "content": f"{at}"}]} for at in range(4) for role in ("system", "user")]
    assert "training.data_unusable" in refused(world, tmp_path, "ft/sft:lora", rows)


def test_training_rows_that_are_all_held_out_are_named_as_such(world: Path, tmp_path: Path) -> None:
    made = little.recipe(world, "ft/sft:lora", "pairs", "loss", train__max_steps=1)
    made["data"]["eval"] = made["data"]["train"]
    assert little.start(tmp_path / "run", made) == 2
    told = str(little.events(tmp_path / "run", "exit")[0]["text"])
    assert "training.all_held_out" in told
    assert "pairs.jsonl: the questions of all 36 usable rows" in told
