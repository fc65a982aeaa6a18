"""Each known way to train on the wrong tokens, laid before TRL's real trainers: right labels, or refused and told."""

import json
import shutil
from pathlib import Path
from typing import Any

import little
import msgspec
import pytest

from advisor.errors import InputError
from advisor.recipe import Recipe
from tests.tuner_tui.small_model import MARKS, TEMPLATE
from tuner_tui.runs.directory import RunDir
from tuner_tui.training.gauge import Gauge
from tuner_tui.training.job import Job
from tuner_tui.training.stage import Ready, get_ready
from tuner_tui.words import words

TALK = [
    {"role": "user", "content": "say apple"},
    {"role": "assistant", "content": "apple!"},
    {"role": "user", "content": "say bread"},
    {"role": "assistant", "content": "bread!"},
]
PAIRS = [{"prompt": f"say {word}", "completion": f"{word}!"} for word in little.WORDS]
NO_END = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}<|assistant|>"
UNMARKED = TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
SPACE = "Ġ"


class Told:
    """Keeps what a job tells."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def emit(self, kind: object, **fields: Any) -> None:
        self.codes.append(str(fields.get("code", kind)))


def changed(world: Path, folder: Path, **config: Any) -> Path:
    """The little model with a tokenizer that is set up otherwise; `chat_template` None = it has none."""
    shutil.copytree(world / "model", folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    path = folder / "tokenizer_config.json"
    settings = {"chat_template": TEMPLATE, **json.loads(path.read_text()), **config}
    path.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))
    return folder


def ready(model: Path, folder: Path, rows: list[dict[str, Any]], label: str = "ft/sft:lora", **train: Any) -> Ready:
    """The stage as it stands before its first step."""
    return told(model, folder, rows, label, **train)[0]


def told(
    model: Path, folder: Path, rows: list[dict[str, Any]], label: str = "ft/sft:lora", **train: Any
) -> tuple[Ready, list[str]]:
    folder.mkdir(exist_ok=True)
    little.write(folder / "rows.jsonl", rows)
    little.write(folder / "eval.jsonl", [{"prompt": "tell me", "completion": "no.", "text": "no."}])
    made = little.recipe(model.parent, label, "pairs", "loss")
    made["model"]["id"] = str(model)
    made["train"] |= train
    made["data"] = {"train": str(folder / "rows.jsonl"), "eval": str(folder / "eval.jsonl")}
    run, heard = RunDir(folder), Told()
    run.checkpoints.mkdir(exist_ok=True)
    job = Job(run=run, recipe=msgspec.convert(made, Recipe), events=heard, words=words("en"))  # type: ignore[arg-type]
    return get_ready(job, Gauge("cpu")), heard.codes


def learned(found: Ready, row: int = 0) -> str:
    """The text that the loss of a prepared row counts."""
    labels = [label for label in found.trainer.train_dataset[row]["labels"] if label != -100]
    return str(found.tokenizer.decode(labels))


@pytest.mark.parametrize("template", [TEMPLATE, UNMARKED], ids=["marked", "unmarked"])
def test_a_template_needs_no_generation_marks(world: Path, tmp_path: Path, template: str) -> None:
    model = changed(world, tmp_path / "model", chat_template=template)
    assert learned(ready(model, tmp_path / "run", PAIRS)) == "apple!<|end|>"


def test_every_assistant_turn_is_learned_once_and_nothing_else(world: Path, tmp_path: Path) -> None:
    found = ready(world / "model", tmp_path, [{"messages": TALK}])
    assert [learned(found, row) for row in range(2)] == ["apple!<|end|>", "bread!<|end|>"]
    assert "say bread" in found.tokenizer.decode(found.trainer.train_dataset[1]["input_ids"])


def test_the_end_token_is_learned_although_the_model_pads_with_it(world: Path, tmp_path: Path) -> None:
    model = changed(world, tmp_path / "model", pad_token="<|end|>")
    rows = [*PAIRS, {"prompt": "tell me all about it", "completion": " ".join(little.WORDS)}]
    found = ready(model, tmp_path / "run", rows)
    end = found.tokenizer.eos_token_id
    assert found.tokenizer.pad_token_id != end
    batch = found.trainer.data_collator([found.trainer.train_dataset[row] for row in (0, len(PAIRS))])
    assert [labels[labels != -100][-1].item() for labels in batch["labels"]] == [end, end]
    assert (batch["labels"][batch["input_ids"] == found.tokenizer.pad_token_id] == -100).all()
    assert (batch["input_ids"] == found.tokenizer.pad_token_id).any()


def test_a_template_that_never_ends_an_answer_is_refused(world: Path, tmp_path: Path) -> None:
    model = changed(world, tmp_path / "model", chat_template=NO_END)
    with pytest.raises(InputError) as refused:
        ready(model, tmp_path / "run", PAIRS)
    assert refused.value.code == "training.end_not_trained"


def merging(world: Path, folder: Path) -> Path:
    """A model without template whose tokenizer makes one token of a space and the word after it."""
    model = changed(world, folder, chat_template=None)
    path = model / "tokenizer.json"
    raw = json.loads(path.read_text())
    vocabulary, merges = raw["model"]["vocab"], raw["model"]["merges"]
    spare = next(name for name in reversed(vocabulary) if len(name) > 3 and name not in MARKS)
    number = vocabulary.pop(spare)
    raw["model"]["merges"] = [[SPACE, "4"]] + [each for each in merges if "".join(each) != spare and spare not in each]
    vocabulary[f"{SPACE}4"] = number
    path.write_text(json.dumps(raw))
    return model


def test_an_answer_whose_first_token_merges_with_the_question_is_learned_whole_and_told(
    world: Path, tmp_path: Path
) -> None:
    model = merging(world, tmp_path / "model")
    rows = [{"prompt": f"say {word} ", "completion": "4"} for word in little.WORDS]
    found, codes = told(model, tmp_path / "run", rows)
    assert learned(found) == " 4<|end|>"
    assert "boundary_merged" in codes
    apart, codes = told(model, tmp_path / "apart", [row | {"prompt": row["prompt"].strip()} for row in rows])
    assert learned(apart) == "4<|end|>"
    assert "boundary_merged" not in codes


@pytest.mark.parametrize(
    ("label", "train"),
    [
        ("ft/sft:full", {"packing": True}),
        ("ft/cpt:full", {"packing": True}),
        ("ft/sft:full", {"batching": "padding_free"}),
    ],
    ids=["packed answers", "packed texts", "padding-free"],
)
def test_rows_that_share_a_pass_do_not_see_each_other(
    world: Path, tmp_path: Path, label: str, train: dict[str, Any]
) -> None:
    import torch

    texts = [{"text": f"say {word} {word}! " * 2} for word in little.WORDS]
    found = ready(world / "model", tmp_path, texts if "cpt" in label else PAIRS, label, **train)
    model = found.trainer.model.eval()
    rows = [found.trainer.train_dataset[row] for row in range(1 if train.get("packing") else 3)]
    batch = found.trainer.data_collator([dict(row) for row in rows])
    assert batch["input_ids"].shape[0] == 1
    starts = [at for at, position in enumerate(batch["position_ids"][0].tolist()) if position == 0]
    assert len(starts) > 1
    with torch.no_grad():
        together = model(**{name: batch[name] for name in batch if name != "labels"}).logits[0]
        for start, end in zip(starts, [*starts[1:], together.shape[0]], strict=True):
            alone = model(input_ids=batch["input_ids"][:, start:end]).logits[0]
            assert torch.allclose(together[start:end], alone, atol=1e-5)
            assert batch["labels"][0, start] == -100 or "cpt" in label


def test_the_loss_of_a_packed_row_counts_no_token_across_the_boundary(world: Path, tmp_path: Path) -> None:
    found = ready(world / "model", tmp_path, PAIRS, "ft/sft:full", packing=True)
    row = found.trainer.train_dataset[0]
    start, texts = 0, []
    for size in row["seq_lengths"]:
        labels = [label for label in row["labels"][start : start + size] if label != -100]
        texts.append(found.tokenizer.decode(labels))
        start += size
    assert len(texts) > 1
    assert set(texts) <= {f"{word}!<|end|>" for word in little.WORDS}
