"""What an answer earns: only what a program can check."""

import importlib.util
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuner_tui.export.pieces.settings import HERE, REWARD_CHECK, REWARD_PATTERN, REWARD_PYTHON

NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")
NOT_JSON: Any = object()


def earned(prompts: list[Any], completions: list[Any], reference: list[str], **rest: Any) -> list[float]:
    """A reward of 0..1 for each answer, in TRL's form of a reward function."""
    judge = judge_of()
    parts = zip(prompts, completions, reference, strict=True)
    return [judge(said(prompt), said(answer).strip(), wanted) for prompt, answer, wanted in parts]


def said(turns: Any) -> str:
    """The last text of a conversation, or the text itself."""
    return str(turns) if isinstance(turns, str) else str(turns[-1]["content"])


def judge_of() -> Callable[[str, str, str], float]:
    """(prompt, answer, reference) -> reward."""
    if REWARD_CHECK == "python":
        return own_function()
    if REWARD_CHECK == "regex":
        return lambda _, answer, __: float(re.search(REWARD_PATTERN or "", answer, re.MULTILINE) is not None)
    same = {"exact": exact, "numeric": numeric, "json": same_json}[REWARD_CHECK]
    return lambda _, answer, reference: same(answer, reference)


def own_function() -> Callable[[str, str, str], float]:
    """Your own function, which runs inside the training here: it has no time limit, and what it raises earns 0."""
    file, _, name = str(REWARD_PYTHON).rpartition(":")
    spec: Any = importlib.util.spec_from_file_location("reward", HERE / Path(file).expanduser())
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, name)

    def judge(prompt: str, answer: str, reference: str) -> float:
        try:
            value = float(function(prompt, answer, reference))
        except Exception:
            return 0.0
        return value if 0.0 <= value <= 1.0 else 0.0

    return judge


def exact(answer: str, reference: str) -> float:
    """1 when both say the same, whatever their case, spacing and Unicode form."""
    got, wanted = (" ".join(unicodedata.normalize("NFC", text).split()).casefold() for text in (answer, reference))
    return float(got == wanted)


def numeric(answer: str, reference: str) -> float:
    """1 when the answer's last number equals the reference's within one part in a million."""
    named = [NUMBER.findall(text) for text in (answer, reference)]
    if not all(named):
        return 0.0
    got, wanted = (float(numbers[-1].replace(",", "")) for numbers in named)
    return float(abs(got - wanted) <= 1e-6 * max(1.0, abs(wanted)))


def same_json(answer: str, reference: str) -> float:
    """1 when both are JSON and mean the same."""
    got = json_of(answer)
    return float(got is not NOT_JSON and got == json_of(reference))


def json_of(text: str) -> Any:
    """The value that a text stands for; NOT_JSON when it is none. NaN and Infinity are no JSON."""

    def refuse(name: str) -> Any:
        raise ValueError(name)

    try:
        return json.loads(text.strip(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return NOT_JSON
