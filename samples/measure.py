"""Measures what the practice model can do before and after tuning, and prints the table: `python samples/measure.py`.

The first half asks the model through plain transformers. The second half (`--tuned`) runs `tuner plan` and `tuner run`
for each method on the practice data and reads the scores from the runs' reports. Nothing here is looked up.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

SAMPLES = Path(__file__).resolve().parent
sys.path.insert(0, str(SAMPLES / "make"))

import grammar  # noqa: E402
import world  # noqa: E402

Row = tuple[str, str, int, float, str]
TUNED = ("ft/style:lora", "ft/style:qlora", "ft/dpo:lora", "ft/orpo:lora")


def main() -> None:
    """Prints one Markdown row a measurement: what, language, items, score, wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=SAMPLES / "model")
    parser.add_argument("--tuned", action="store_true", help="also tune by every method (about ten minutes)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    if not options.json:
        print("| measured | language | items | score | wanted |\n|---|---|---|---|---|")
    for row in _all(options):
        rows.append(row)
        if not options.json:
            what, language, items, score, wanted = row
            print(f"| {what} | {language} | {items} | {score:.3f} | {wanted} |", flush=True)
    if options.json:
        keys = ("measured", "language", "items", "score", "wanted")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], ensure_ascii=False))


def _all(options: argparse.Namespace) -> Iterator[Row]:
    yield from _untuned(Answerer(options.model))
    if options.tuned:
        for label in TUNED:
            yield from _tuned(label, options.model)


class Answerer:
    """Greedy answers of one local model, in batches of prompts of like length."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder)

    def answers(self, prompts: list[str], size: int = 50) -> list[str]:
        """One answer a prompt, in order."""
        rendered = [
            self.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
            )
            for prompt in prompts
        ]
        order = sorted(range(len(prompts)), key=lambda place: len(rendered[place]))
        said = [""] * len(prompts)
        for start in range(0, len(order), size):
            places = order[start : start + size]
            batch = self.tokenizer(
                [rendered[place] for place in places], return_tensors="pt", padding=True, add_special_tokens=False
            )
            made = self.model.generate(**batch, max_new_tokens=48, do_sample=False)
            for place, ids in zip(places, made[:, batch["input_ids"].shape[1] :], strict=True):
                said[place] = self.tokenizer.decode(ids, skip_special_tokens=True).strip()
        return said


def _untuned(model: Answerer) -> Iterator[Row]:
    documents = world.documents()
    for language in ("ko", "en"):
        told = [each for each in documents if each.language == language]
        yield _asked(model, "answers from the right passage", language, told, 0, ">= 0.95")
        yield _asked(model, "answers beside two distractors", language, told, 2, ">= 0.90")
        yield _asked(model, "answers without passages", language, told, None, "<= 0.05")
    for number, language in enumerate(("ko", "en")):
        pattern = json.loads((SAMPLES / "data/style.metric.json").read_text(encoding="utf-8"))["pattern"]
        rows = [json.loads(line) for line in (SAMPLES / "data/style.test.jsonl").read_text("utf-8").splitlines()]
        turns = [row["messages"] for row in rows[number::2]]
        said = model.answers([asked["content"] for asked, _ in turns])
        right = sum(bool(re.search(pattern, answer)) for answer in said)
        yield "house style unprompted", language, len(said), right / len(said), "<= 0.05"


def _asked(
    model: Answerer, what: str, language: str, told: list[world.Document], others: int | None, wanted: str
) -> Row:
    random = Random(11)
    prompts, answers = [], []
    for document in told:
        for fact in document.facts:
            question = random.choice(grammar.questions(language, fact.name, fact.attribute))
            if others is None:
                prompts.append(question)
            else:
                found = world.beside(document, told, others, random)
                prompts.append(grammar.passages(language, [each.text for each in found], question))
            answers.append(fact.answer)
    right = sum(said == answer for said, answer in zip(model.answers(prompts), answers, strict=True))
    return what, language, len(answers), right / len(answers), wanted


def _tuned(label: str, model: Path) -> Iterator[Row]:
    """Plan and run one method as a user would; the scores and seconds are the report's."""
    wanted = ("about 0.5", ">= 0.90") if label.startswith(("ft/dpo", "ft/orpo")) else ("<= 0.05", ">= 0.90")
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.yaml"
        tuner = [sys.executable, "-m", "tuner_tui"]
        plan = [*tuner, "plan", "--practice", "--label", label, "--out", str(recipe), "--set", f"model.id={model}"]
        subprocess.run(plan, check=True, stdout=subprocess.DEVNULL)
        began = time.monotonic()
        done = subprocess.run([*tuner, "run", str(recipe), "--json"], stdout=subprocess.PIPE, text=True)
        seconds = time.monotonic() - began
        report = json.loads(done.stdout.splitlines()[-1])["report"]
    for when, aim in zip(("before", "after"), wanted, strict=True):
        measured = report[when]
        yield f"{label} {when}", "both", measured["items"], measured["score"], aim
    yield f"{label} minutes", "both", 1, seconds / 60, "<= 3"


if __name__ == "__main__":
    main()
