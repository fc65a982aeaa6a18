"""Every objective and every technique trains the little model and improves its own held-out score."""

from pathlib import Path
from typing import Any

import little
import pytest

SFT = {"train__max_steps": 40, "train__learning_rate": 0.02}
DORA = {"adapter__dora": True, "adapter__rslora": True}
METHODS = [
    ("ft/sft:lora", "pairs", "loss", SFT),
    pytest.param("ft/sft:full", "pairs", "loss", SFT, marks=pytest.mark.slow),
    ("ft/style:qlora", "pairs", "regex", SFT | {"evaluation__pattern": "!$"}),
    ("ft/sft:prefix", "pairs", "loss", SFT),
    ("ft/sft:prompt", "pairs", "loss", SFT),
    pytest.param("ft/sft:lora", "pairs", "loss", SFT | DORA, marks=pytest.mark.slow),
    ("ft/cpt:full", "text", "loss", {}),
    ("ft/dpo:lora", "preference", "preference_accuracy", {}),
    pytest.param("ft/dpo:qlora", "preference", "preference_accuracy", {}, marks=pytest.mark.slow),
    ("ft/orpo:full", "preference", "preference_accuracy", {}),
    ("ft/kto:lora", "feedback", "preference_accuracy", {}),
]


@pytest.mark.parametrize(("label", "kind", "metric", "changes"), METHODS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_method_improves_its_own_held_out_score(
    world: Path, tmp_path: Path, label: str, kind: str, metric: str, changes: dict[str, Any]
) -> None:
    run = tmp_path / "run"
    code = little.start(run, little.recipe(world, label, kind, metric, **changes))
    assert code == 0, little.events(run, "exit")
    found = little.report(run)
    assert found["success"], found["checks"]
    assert (run / ("model" if label.endswith("full") else "adapter")).is_dir()
