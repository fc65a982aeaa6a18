"""A tiny real model, tiny real data and real finished runs, made once: exports are tried on what training leaves."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import COLOURS, MakeRun, make_model, train


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `model/` and data files of several kinds."""
    root = tmp_path_factory.mktemp("export-world")
    make_model(root / "model")
    pairs = [{"instruction": f"What colour is item {n}?", "output": COLOURS[n % 6]} for n in range(48)]
    chats = [
        {"messages": [{"role": "user", "content": row["instruction"]}, {"role": "assistant", "content": row["output"]}]}
        for row in pairs
    ]
    prefs = [
        {"prompt": row["instruction"], "chosen": row["output"], "rejected": COLOURS[(n + 1) % 6]}
        for n, row in enumerate(pairs)
    ]
    likes = [
        {"prompt": row["prompt"], "completion": row["chosen" if n % 3 else "rejected"], "label": bool(n % 3)}
        for n, row in enumerate(prefs)
    ]
    texts = [{"text": f"{row['instruction']} {row['output']}."} for row in pairs]
    kinds = {"pairs": pairs, "chats": chats, "prefs": prefs, "likes": likes, "texts": texts}
    for name, rows in kinds.items():
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        (root / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def make_run(world: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """Train a recipe with our own child, once for each setting; returns the run's folder."""
    known: dict[str, Path] = {}

    def make(
        label: str, data: str = "chats", steps: int = 12, numbers: dict[str, Any] | None = None, **adapter: Any
    ) -> Path:
        key = json.dumps([label, data, steps, adapter, numbers])
        if key not in known:
            folder = tmp_path_factory.mktemp("run")
            known[key] = train(world, folder, label, data, steps, adapter, numbers or {})
        return known[key]

    return make
