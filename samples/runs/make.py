"""Recorded runs: ten healthy ones and one of each fault, every one a real training of a tiny model on practice data.

`python samples/runs/make.py [NAME ...]` writes `samples/runs/NAME.jsonl`, the event log of that run as it was written,
with this machine's paths taken out. A run takes seconds to a minute on one core.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
END = "<|end|>"

SFT: dict[str, Any] = {
    "label": "ft/sft:full",
    "data": {"train": "style.train.jsonl", "eval": "style.test.jsonl"},
    "adapter": {"rank": 16, "alpha": 32},
    "train": {"max_steps": 120, "learning_rate": 3e-3, "micro_batch": 8, "max_length": 128, "threads": 1},
    "evaluation": {"metric": "loss", "max_items": 16, "samples": 3, "max_new_tokens": 48},
}
LORA: dict[str, Any] = {"label": "ft/sft:lora", "train": {"learning_rate": 1e-2}}
DPO: dict[str, Any] = {
    "label": "ft/dpo:full",
    "data": {"train": "preference.train.jsonl", "eval": "preference.test.jsonl"},
    "train": {"learning_rate": 3e-4, "beta": 0.1},
}
PRACTICE: dict[str, Any] = {"model": {"id": str(HERE.parent / "model")}, "train": {"learning_rate": 1e-3}}
GRPO: dict[str, Any] = {
    "label": "ft/grpo:full",
    "data": {"train": "checkable.train.jsonl", "eval": "checkable.test.jsonl"},
    "train": {"max_steps": 40, "learning_rate": 3e-4, "generations": 4},
    "evaluation": {"metric": "exact_match", "max_new_tokens": 32},
}

# Name -> (fault planted in the child, what the recipe changes, what the coach must say: any of these; none = healthy).
RUNS: dict[str, tuple[str, list[dict[str, Any]], tuple[str, ...]]] = {
    "healthy-full": ("none", [], ()),
    "healthy-full-seed": ("none", [{"seed": 7}], ()),
    "healthy-full-gentle": ("none", [{"train": {"learning_rate": 1e-3, "warmup_ratio": 0.1}}], ()),
    "healthy-full-small-batch": ("none", [{"train": {"micro_batch": 2, "max_steps": 240, "learning_rate": 2e-3}}], ()),
    "healthy-full-accumulated": ("none", [{"train": {"micro_batch": 4, "grad_accum": 2}}], ()),
    "healthy-watched": ("watched", [{"train": {"max_steps": 200}}], ()),
    "healthy-lora": ("none", [LORA], ()),
    "healthy-qlora": ("none", [LORA, {"label": "ft/sft:qlora"}], ()),
    "healthy-questions": (
        "none",
        [{"data": {"train": "questions.train.jsonl", "eval": "questions.test.jsonl"}, "train": {"max_length": 256}}],
        (),
    ),
    "healthy-dpo": ("none", [DPO], ()),
    "healthy-orpo": ("none", [DPO, {"label": "ft/orpo:full", "train": {"learning_rate": 1e-3}}], ()),
    "healthy-chain": (
        "none",
        [
            {
                "label": "ft/sft>dpo:full",
                "stages": [
                    {"objective": "sft"},
                    {
                        "objective": "dpo",
                        "data": {"train": "preference.train.jsonl", "eval": "preference.test.jsonl"},
                        "train": {"max_steps": 60, "learning_rate": 3e-4, "beta": 0.1, "micro_batch": 8, "threads": 1},
                    },
                ],
            }
        ],
        (),
    ),
    "fault-rewards-alike": (
        "none",
        [
            {
                "label": "ft/grpo:full",
                "data": {"train": "checkable.train.jsonl", "eval": "checkable.test.jsonl"},
                "train": {"max_steps": 16, "learning_rate": 1e-5, "max_length": 256, "generations": 4},
                "evaluation": {"metric": "exact_match", "max_new_tokens": 8},
            }
        ],
        ("COA011",),
    ),
    "fault-nan": ("nan_step", [], ("COA001",)),
    "fault-nan-hidden": ("nan_hidden", [], ("COA002",)),
    "fault-masked": ("masked", [{"train": {"max_steps": 40}}], ("COA003",)),
    "fault-diverges": ("rate_jumps", [], ("COA004",)),
    "fault-rate-high": (
        "none",
        [{"train": {"learning_rate": 0.5, "warmup_ratio": 0.0}}],
        ("COA005", "COA004", "COA001"),
    ),
    "fault-rate-low": ("none", [{"train": {"learning_rate": 1e-7}}], ("COA006",)),
    "fault-plateau": (
        "none",
        [
            {
                "data": {"train": "noise.jsonl", "eval": "noise.eval.jsonl"},
                "train": {"scheduler": "constant", "max_steps": 400},
            }
        ],
        ("COA007",),
    ),
    "fault-overfit": (
        "none",
        [{"data": {"train": "few.jsonl"}, "train": {"max_steps": 200, "eval_steps": 20}}],
        ("COA008",),
    ),
    "fault-endless": ("endless", [{"train": {"max_steps": 240}}], ("COA009",)),
    "fault-dpo-falls": ("none", [DPO, {"train": {"learning_rate": 5e-3, "beta": 0.02}}], ("COA010",)),
    "fault-memory": ("leak", [{"train": {"max_steps": 300}}], ("COA022",)),
    "fault-frozen": ("frozen", [{"train": {"max_steps": 80}}], ("COA007",)),
    "fault-rate-far": ("none", [PRACTICE, {"train": {"learning_rate": 0.1}}], ("COA015",)),
    "fault-by-heart": (
        "none",
        [PRACTICE, {"data": {"train": "few.jsonl"}, "train": {"max_steps": 160, "eval_steps": 20}}],
        ("COA008",),
    ),
    "fault-rewards-gamed": ("long_is_good", [PRACTICE, GRPO], ("COA012",)),
    "fault-far-away": ("long_is_good", [PRACTICE, GRPO, {"train": {"learning_rate": 1e-3, "beta": 1e-4}}], ("COA013",)),
    "fault-disk": ("disk_shrinks", [{"train": {"max_steps": 100, "save_steps": 20}}], ("COA023",)),
    "fault-late": (
        "none",
        [{"facts": {"constraints": {"deadline_h": 0.001}}, "train": {"max_steps": 60}}],
        ("COA024",),
    ),
}


def main(names: list[str]) -> int:
    """Make the runs asked for, all when none is named."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(TUNER_HOME=folder, TUNER_LANG="en", OMP_NUM_THREADS="1")
        work = Path(folder, "practice")
        prepare(work)
        for name in names or RUNS:
            record(name, work)
    return 0


def prepare(work: Path) -> None:
    """The tiny model and the data that only faults need."""
    work.mkdir()
    texts = [line for path in sorted(DATA.glob("*.train.jsonl")) for line in path.read_text().splitlines()[:300]]
    make_model(work / "model", texts)
    for path in DATA.glob("*.jsonl"):
        (work / path.name).symlink_to(path)
    rows = (DATA / "style.train.jsonl").read_text().splitlines()
    (work / "few.jsonl").write_text("\n".join(rows[:10]) + "\n")
    dice = random.Random(1)
    for name, count in (("noise.jsonl", 400), ("noise.eval.jsonl", 32)):
        rows = [(dice.randrange(10**6), " ".join(dice.choices("abcdefgh", k=12))) for _ in range(count)]
        noise = ({"instruction": f"say {number}", "output": answer} for number, answer in rows)
        (work / name).write_text("".join(json.dumps(row) + "\n" for row in noise))


def make_model(folder: Path, texts: list[str]) -> None:
    """A Llama of 0.2 M parameters with random weights, and a byte-level tokenizer of 1,000 tokens."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|pad|>", END, "<|user|>", "<|assistant|>", "<|system|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=1000, special_tokens=special, initial_alphabet=alphabet)
    )
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token=END)
    said = "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}"
    made.chat_template = (
        "{% for m in messages %}<|{{ m['role'] }}|>"
        + said
        + "{% else %}{{ m['content'] }}<|end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    made.save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"hidden_size": 64, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(made), max_position_embeddings=512, tie_word_embeddings=True, pad_token_id=0,
                         eos_token_id=1, bos_token_id=None, num_key_value_heads=2, **shape)  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def record(name: str, work: Path) -> None:
    """Run it as a real run and keep its log; says what the coach found."""
    from advisor.recipe import recipe_from
    from tuner_tui.runs.coach import Coach
    from tuner_tui.runs.directory import Rehearse, create_run
    from tuner_tui.runs.follow import Follower
    from tuner_tui.runs.preflight import prepare as checked
    from tuner_tui.runs.supervisor import launch, wait

    fault, changes, wanted = RUNS[name]
    raw: dict[str, Any] = {"name": name, "model": {"id": str(work / "model")}}
    for change in (SFT, *changes):
        merge(raw, change)
    run = create_run(checked(recipe_from(raw, name), name, work), rehearse=Rehearse.SKIP)
    launch(run, command=[sys.executable, "-P", str(HERE / "plant.py"), fault, str(run.path)])
    state = wait(run, 900)
    places = {str(work): "practice", str(run.path.parent): "runs", str(HERE.parent): "samples"}
    (HERE / f"{name}.jsonl").write_text(told(run.events_path, places))
    coach = Coach()
    coach.take_all(Follower(HERE / f"{name}.jsonl").poll(10**6))
    found = [finding.id for finding in coach.findings]
    good = bool(set(found) & set(wanted)) if wanted else not found and state == "finished"
    print(f"{'ok ' if good else 'BAD'} {name}: {state}, coach {found}", flush=True)
    if state == "failed" and fault == "none" and not wanted:
        print(run.log_path.read_text()[-2000:], flush=True)


def told(log: Path, paths: dict[str, str]) -> str:
    """The log without this machine's paths and without what the coach of that day said: it is to be judged anew."""
    lines = [line for line in log.read_text().splitlines(keepends=True) if '"t":"coach"' not in line]
    text = "".join(lines).replace(',"coached":true', "")
    for path, name in paths.items():
        text = text.replace(path, name)
    return text


def merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    """Lay `change` over `into`, sections key by key."""
    for key, value in change.items():
        if isinstance(value, dict):
            merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
