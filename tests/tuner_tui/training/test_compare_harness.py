"""Tasks of lm-evaluation-harness: a real call where it is installed, a remedy where it is not."""

import sys
from pathlib import Path
from typing import Any

import little
import pytest

from advisor.errors import InputError
from advisor.recipe import recipe_from
from tuner_tui.evaluation.harness import harness, scores
from tuner_tui.evaluation.weights import Weights
from tuner_tui.training.model import load_tokenizer

TASK = """
task: tuner_words
dataset_path: json
dataset_kwargs:
  data_files:
    test: {rows}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: 0
metric_list:
  - metric: acc
"""


@pytest.fixture
def loaded(world: Path) -> tuple[Weights, Any]:
    """The little model, untuned."""
    recipe = recipe_from(little.recipe(world, "ft/sft:lora", "pairs", "exact_match"), "little")
    return Weights(recipe, None, "cpu"), load_tokenizer(recipe.model)


@pytest.mark.slow
def test_the_users_own_task_is_run_by_the_library(loaded: tuple[Weights, Any], tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"question": "say one", "choices": ["one", "two"]}\n' * 4, encoding="utf-8")
    (tmp_path / "tuner_words.yaml").write_text(TASK.format(rows=rows), encoding="utf-8")
    found = harness(*loaded, ["tuner_words"], str(tmp_path), 3)
    assert [(each.task, each.metric, each.tuned) for each in found] == [("tuner_words", "acc", None)]
    assert found[0].base in (0.0, 1.0)
    with pytest.raises(InputError) as error:
        harness(*loaded, ["no_such_task_here"], str(tmp_path), 3)
    assert "no_such_task_here" in error.value.text("en")


def test_without_the_library_the_remedy_is_named(loaded: tuple[Weights, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lm_eval", "lm_eval.tasks"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError) as error:
        harness(*loaded, ["arc_easy"], None, 3)
    assert "tuner[harness]" in error.value.text("ko")


def test_metrics_of_both_sides_stand_beside_each_other() -> None:
    base = {"t": {"alias": "t", "acc,none": 0.5, "acc_stderr,none": 0.1, "em,strict": 0.25, "em_stderr,strict": "N/A"}}
    rows = scores(base, {"t": {"acc,none": 0.75}})
    assert [(row.metric, row.base, row.tuned, row.error) for row in rows] == [
        ("acc", 0.5, 0.75, 0.1),
        ("em,strict", 0.25, None, None),
    ]
