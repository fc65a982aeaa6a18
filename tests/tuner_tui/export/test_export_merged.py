"""A merged model is one folder that plain transformers loads, and it says the trained model's tokens."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tiny_runs import MakeRun, export

from tuner_tui.export.transcript import Transcript, differences

OUTSIDE = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer
folder = sys.argv[1]
model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
for question in sys.argv[2:]:
    turns = [{"role": "user", "content": question}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**ids, max_new_tokens=12, do_sample=False)
    print(json.dumps(tokenizer.decode(out[0, ids["input_ids"].shape[1]:], skip_special_tokens=True).strip()))
"""


@pytest.mark.parametrize(
    "label",
    [
        "ft/sft:lora",
        pytest.param("ft/sft:qlora", marks=pytest.mark.slow),
        pytest.param("ft/sft:full", marks=pytest.mark.slow),
    ],
)
def test_the_merged_model_says_the_trained_models_tokens(make_run: MakeRun, tmp_path: Path, label: str) -> None:
    run = make_run(label)
    code, said, words = export(run, "merged", tmp_path)
    assert code == 0, (said, words[-2000:])
    checks = {check["id"]: check for check in said["checks"]}
    assert checks.keys() == {"parity", "answers", "score", "loss"}
    assert checks["parity"]["value"]["tokens"] > 8
    assert checks["parity"]["value"]["differences"] == []
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert "quantization_config" not in config
    samples = json.loads((run / "report.json").read_text())["samples"]
    command = [sys.executable, "-I", "-c", OUTSIDE, str(tmp_path / "merged"), *(each["prompt"] for each in samples)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [json.loads(line) for line in done.stdout.splitlines()] == [each["after"] for each in samples]


@pytest.mark.slow
def test_a_merge_of_other_weights_is_not_called_good(make_run: MakeRun, tmp_path: Path) -> None:
    """The report is of another training: what is merged does not answer as it says."""
    run = tmp_path / "run"
    shutil.copytree(make_run("ft/sft:lora"), run)
    shutil.copy(make_run("ft/sft:lora", steps=8) / "report.json", run)
    code, said, _ = export(run, "merged", tmp_path / "out")
    assert code == 1
    checks = {check["id"]: check["passed"] for check in said["checks"]}
    assert checks["parity"] is True
    assert checks["loss"] is False


class Letters:
    """The smallest tokenizer: a token is its letter's number."""

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))


def said(text: str, *, stopped: bool = True, top: dict[int, dict[int, float]] | None = None) -> Transcript:
    ids = [ord(letter) for letter in text]
    sure = [{token: -0.01} for token in [*ids, 0]]
    for at, likely in (top or {}).items():
        sure[at] = likely
    return Transcript(prompt="p", prompt_ids=[1], ids=ids, text=text, stopped=stopped, top=sure)


def test_equal_transcripts_do_not_differ() -> None:
    assert differences(Letters(), [said("abc")], [said("abc")]) == []


def test_the_first_differing_token_is_shown_with_how_sure_the_reference_was() -> None:
    reference = said("abc", top={1: {ord("b"): -0.68, ord("x"): -0.70}})
    [found] = differences(Letters(), [reference], [said("axc")])
    assert (found.what, found.token, found.reference, found.export) == ("token", 1, "b", "x")
    assert found.gap == pytest.approx(0.02)


def test_a_token_that_the_reference_never_considered_has_no_gap() -> None:
    [found] = differences(Letters(), [said("abc")], [said("axc")])
    assert found.gap is None


def test_an_answer_that_does_not_end_differs() -> None:
    [found] = differences(Letters(), [said("ab")], [said("abzz", stopped=False)])
    assert (found.what, found.token, found.reference, found.export) == ("stop", 2, None, "z")


def test_another_prompt_differs_before_any_token() -> None:
    cut = Transcript(prompt="p", prompt_ids=[97, 98], ids=[97], text="a", stopped=True)
    [found] = differences(Letters(), [cut], [msgspec.structs.replace(cut, prompt_ids=[97, 99])])
    assert (found.what, found.token, found.reference, found.export) == ("prompt", 1, "b", "c")
    other = Transcript(prompt="q", prompt_ids=[2], ids=[97], text="a", stopped=True)
    [found] = differences(Letters(), [said("a")], [other])
    assert found.what == "prompt"


class Spelling(Letters):
    """The same, for texts."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        return [ord(letter) for letter in text]


def test_answers_told_as_text_differ_by_the_token_where_they_part() -> None:
    reference = said("abc", top={1: {ord("b"): -0.68, ord("x"): -0.70}})
    told = msgspec.structs.replace(said("axc"), ids=[], top=[])
    assert differences(Spelling(), [reference], [msgspec.structs.replace(told, text="abc")], by_text=True) == []
    [found] = differences(Spelling(), [reference], [told], by_text=True)
    assert (found.what, found.token, found.reference, found.export) == ("text", 1, "b", "x")
    assert found.gap == pytest.approx(0.02)
    [found] = differences(Spelling(), [said("abc")], [told], by_text=True)
    assert found.gap is None
    cut = msgspec.structs.replace(told, text="abc", stopped=False)
    [found] = differences(Spelling(), [reference], [cut], by_text=True)
    assert (found.what, found.gap) == ("stop", None)
