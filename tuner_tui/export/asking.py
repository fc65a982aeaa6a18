"""`ask.py` asks exactly the prompt that our own lanes ask: made of the same functions, compared before it is good."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tuner_tui import __version__
from tuner_tui.export.outcome import Check, Task
from tuner_tui.export.script_text import import_block, parts
from tuner_tui.export.settings import literal
from tuner_tui.safe import clean

QUESTIONS = 8
FOLDER = Path(__file__).parent / "pieces"


def ask_script(task: Task, values: dict[str, Any], modules: Sequence[tuple[Path, tuple[str, ...]]]) -> str:
    """The script's text: settings, then the named definitions of each module (all of them where none is named)."""
    imports, bodies = [], []
    for path, names in modules:
        found, body = picked(path, names)
        imports += found
        bodies.append(body)
    told = f'"""Answers questions as {task.source.recipe.label} does. Written by tuner {__version__}; see --help."""'
    top = ["HERE = Path(__file__).resolve().parent", *(f"{name} = {literal(value)}" for name, value in values.items())]
    future = "from __future__ import annotations"
    block = import_block([line for line in [*imports, "from pathlib import Path"] if "__future__" not in line])
    return "\n\n".join([told, future, block, "\n".join(top)]) + "\n\n\n" + "\n\n\n".join(bodies) + "\n"


def picked(path: Path, names: tuple[str, ...]) -> tuple[list[str], str]:
    """Of a module the named definitions with the imports that they use; the whole module where none is named."""
    import ast

    text = path.read_text(encoding="utf-8")
    imports, body = parts(text)
    if not names:
        return imports, body
    lines = text.splitlines()
    chosen = []
    for node in ast.parse(text).body:
        bound = [target.id for target in _targets(node) if isinstance(target, ast.Name)]
        if getattr(node, "name", None) in names or set(bound) & set(names):
            chosen.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))
    body = "\n\n\n".join(chosen)
    return [line for line in imports if line.split()[-1] in body], body


def _targets(node: Any) -> list[Any]:
    import ast

    if not isinstance(node, ast.Assign):
        return []
    return [each for target in node.targets for each in (target.elts if isinstance(target, ast.Tuple) else [target])]


def asks_the_same(task: Task, script: Path, questions: list[str], ours: Callable[[str], list[dict[str, str]]]) -> Check:
    """The check `prompts`: the script's own `--show` against our prompts for the same questions."""
    asked = questions[:QUESTIONS]
    done = subprocess.run(
        [sys.executable, "-I", str(script), "-", "--show"],
        input="".join(json.dumps(question) + "\n" for question in asked),
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        print(clean(done.stderr, 1 << 20, lines=True), file=sys.stderr)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    same = sum(left == ours(question) for left, question in zip(said, asked, strict=False))
    return task.check("prompts", same == len(asked) > 0, value=same, same=same, of=len(asked))


def instruction(task: Task) -> str | None:
    """What is said before every question; a tuned model was trained without it."""
    recipe = task.source.recipe
    return None if recipe.parsed_label.tunes else recipe.prompting.instruction


def prompting(told: str | None, shots: int = 0, pick: str = "fixed", pool: Sequence[Any] = ()) -> dict[str, Any]:
    """The prompt's settings: what is said first, how many examples, which, and from what."""
    return {"INSTRUCTION": told, "SHOTS": shots, "PICK": pick, "POOL": list(pool)}


def unconstrained(task: Task) -> dict[str, str]:
    """What a comparison holds answers to and the script does not."""
    spec = task.source.recipe.prompting
    return {
        f"prompting.{name}": task.say("unsaid", target="ask.py", value=value)
        for name in ("schema", "pattern", "choices")
        if (value := getattr(spec, name))
    }


def searching() -> list[tuple[Path, tuple[str, ...]]]:
    """Our own search, for a script."""
    retrieval = Path(__file__).parents[1] / "retrieval"
    return [
        (FOLDER / "chunk.py", ()),
        (retrieval / "terms.py", ()),
        (retrieval / "prompt.py", ()),
        (retrieval / "bm25.py", ()),
        (retrieval / "fuse.py", ()),
        (retrieval / "embed.py", ()),
        (retrieval / "nearest.py", ()),
        (retrieval / "rerank.py", ()),
        (retrieval / "index.py", ("DEPTH", "RERANKED", "Nearest", "Rerank", "Index", "words_of")),
    ]


def needed(*names: str) -> list[str]:
    """What a script needs of pip besides a model's libraries, as installed here."""
    found = [(name, installed(name)) for name in (*names, "transformers", "torch", "peft")]
    return [f"{name}=={version}" for name, version in found if version]


def installed(name: str) -> str | None:
    """The version that is installed here; None where it is not."""
    from importlib import metadata

    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None


def model_values(task: Task) -> dict[str, Any]:
    """The model's settings."""
    recipe = task.source.recipe
    local = task.source.file(recipe.model.id)
    return {
        "MODEL": str(local) if local.is_dir() else recipe.model.id,
        "REVISION": recipe.model.revision,
        "TRUST_REMOTE_CODE": recipe.model.runs_code,
        "MAX_NEW_TOKENS": recipe.evaluation.max_new_tokens,
    }


def questions_of(task: Task) -> list[str]:
    """Questions to compare prompts on: the recipe's held-out ones, rows of any form."""
    from tuner_tui.export.pieces.pairs import examples_of
    from tuner_tui.export.pieces.rows import Unusable
    from tuner_tui.training.data import renamed
    from tuner_tui.training.rows import read_rows

    data = task.source.recipe.data
    found = []
    for number, row in read_rows(task.source.file(data.eval or data.train)):
        try:
            prompt = examples_of(number, renamed(row, data.mapping))[0]["prompt"]
        except Unusable:
            continue
        found.append(prompt if isinstance(prompt, str) else prompt[-1]["content"])
    return found[:QUESTIONS]
