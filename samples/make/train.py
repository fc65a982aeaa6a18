"""Trains the practice model from nothing on two CPU cores: `python samples/make/train.py --out samples/model`."""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path
from typing import Any

import lessons
import tokenizer as tokens
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

# steps at most, exact answers that end the stage, rate, passages, facts, turns, copying, talk, rows a step
STAGES = (
    (5000, 0.85, 1.0, 1, 3, 6, 0.5, 0.13, 8),
    (4000, 0.85, 1.0, 2, 3, 8, 0.2, 0.13, 8),
    (4500, 9.0, 0.5, 3, 5, 9, 0.04, 0.13, 8),
    (600, 9.0, 0.15, 3, 5, 9, 0.04, 0.4, 8),
)
PEAK, MUON_PEAK, WARM_UP, LONGEST, EMA = 2e-3, 1e-2, 100, 640, 0.99


def build(tokenizer: Any) -> LlamaForCausalLM:
    """A small Llama with random weights, its end and padding tokens set as the tokenizer's."""
    config = LlamaConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


class Rows:
    """Conversations as padded ids and labels; only assistant turns carry a loss."""

    def __init__(self, tokenizer: Any, seed: int) -> None:
        self.lessons = lessons.Lessons(seed)
        self.tokenizer = tokenizer
        self.begin, self.end = tokenizer.bos_token_id, tokenizer.eos_token_id
        self.user, self.assistant = tokenizer.convert_tokens_to_ids([tokens.USER, tokens.ASSISTANT])

    def batch(
        self, count: int, subjects: int, facts: int, turns: int, copying: float, talk: float, plain: bool = False
    ) -> tuple[Any, Any]:
        """`count` conversations as (ids, labels), each (count, longest)."""
        talks = [
            self.lessons.conversation(
                subjects=subjects, facts=facts, turns=turns, copying=copying, talk=talk, plain=plain
            )
            for _ in range(count)
        ]
        said = [text for talk in talks for turn in talk for text in turn]
        encoded = iter(self.tokenizer(said, add_special_tokens=False)["input_ids"])
        rows = [self._row(talk, encoded) for talk in talks]
        longest = min(max(len(ids) for ids, _ in rows), LONGEST)
        padded = [(ids + [0] * longest)[:longest] for ids, _ in rows]
        labels = [(row + [-100] * longest)[:longest] for _, row in rows]
        return torch.tensor(padded), torch.tensor(labels)

    def _row(self, talk: list[lessons.Turn], encoded: Any) -> tuple[list[int], list[int]]:
        ids, labels = [self.begin], [-100]
        for _ in talk:
            asked, answer = next(encoded), next(encoded)
            ids += [self.user, *asked, self.end, self.assistant, *answer, self.end]
            labels += [-100] * (len(asked) + 3) + [*answer, self.end]
        return ids, labels


class Teacher:
    """Model, optimizers, schedule, and the running average of the weights, which is what is kept."""

    def __init__(self, model: LlamaForCausalLM, done: int = 0) -> None:
        self.model, self.done, self.began = model, done, done
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(EMA))
        matrices = [p for n, p in model.model.layers.named_parameters() if p.ndim == 2]
        rest = [p for n, p in model.named_parameters() if p.ndim < 2 or "embed_tokens" in n]
        self.optimizers = [
            torch.optim.AdamW(rest, lr=PEAK, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
            torch.optim.Muon(matrices, lr=MUON_PEAK, momentum=0.95, weight_decay=0.01),
        ]

    def step(self, ids: Any, labels: Any, left: float) -> float:
        """One update on (rows, length) ids and labels at `left` of the peak rate; the loss in nats a labelled token."""
        factor = min(1.0, (self.done - self.began + 1) / WARM_UP) * left
        for optimizer, peak in zip(self.optimizers, (PEAK, MUON_PEAK), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * factor
        scores, wanted = self._scores(ids, labels)
        loss = functional.cross_entropy(scores.float(), wanted)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.average.update_parameters(self.model)
        self.done += 1
        return float(loss.detach())

    def _scores(self, ids: Any, labels: Any) -> tuple[Any, Any]:
        with torch.autocast("cpu", torch.bfloat16):
            hidden = self.model.model(ids).last_hidden_state[:, :-1]
            wanted = labels[:, 1:]
            marked = wanted != -100
            return self.model.lm_head(hidden[marked]), wanted[marked]

    @torch.no_grad()
    def exact(self, ids: Any, labels: Any) -> float:
        """Share of answers of which every token is the averaged model's likeliest (teacher forcing)."""
        model = self.average.module
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(ids).last_hidden_state[:, :-1]
            guessed = model.lm_head(hidden).argmax(-1)
        wanted = labels[:, 1:]
        right = total = 0
        for guess, want in zip(guessed, wanted, strict=True):
            start = None
            for place in range(len(want)):
                inside = want[place] != -100
                if inside and start is None:
                    start = place
                if start is not None and (not inside):
                    right += bool((guess[start:place] == want[start:place]).all())
                    total += 1
                    start = None
        return right / max(total, 1)


def main() -> None:
    """Trains through the stages and saves model, tokenizer and the log of the training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=int, default=1, metavar="STAGE", help="go on in --out with this stage")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    tokenizer, model = _begin(options)
    print(f"{model.num_parameters() / 1e6:.2f} M parameters, {len(tokenizer)} tokens", flush=True)
    teach(model, tokenizer, options)


def _begin(options: argparse.Namespace) -> tuple[Any, LlamaForCausalLM]:
    if options.resume > 1:
        return AutoTokenizer.from_pretrained(options.out), LlamaForCausalLM.from_pretrained(options.out)
    tokenizer = tokens.train(lessons.texts(4000, options.seed))
    return tokenizer, build(tokenizer)


def _save(model: LlamaForCausalLM, tokenizer: Any, log: list[dict[str, float]], folder: Path) -> None:
    """The averaged weights, stored in bf16 (half the size) and declared float32, so that CPUs compute in float32."""
    kept = copy.deepcopy(model).to(torch.bfloat16)
    kept.generation_config.max_new_tokens = 64
    kept.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float32"}, indent=2) + "\n", encoding="utf-8")
    tokens.save(tokenizer, folder)
    lines = ",\n".join(json.dumps(entry) for entry in log)
    (folder / "training.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def teach(model: LlamaForCausalLM, tokenizer: Any, options: argparse.Namespace) -> None:
    """Runs the stages; every 100 steps one line of the log, every 500 and at the end all is saved."""
    rows = Rows(tokenizer, options.seed + 100 * (options.resume - 1))
    held_out = Rows(tokenizer, options.seed + 1000)
    log = [] if options.resume == 1 else json.loads((options.out / "training.json").read_text(encoding="utf-8"))
    began, seen = time.monotonic() - (log[-1]["seconds"] if log else 0), log[-1]["tokens"] if log else 0
    teacher = Teacher(model, log[-1]["step"] if log else 0)
    for number, (most, enough, rate, subjects, facts, turns, copying, talk, count) in enumerate(STAGES, start=1):
        if number < options.resume:
            continue
        for step in range(most):
            ids, labels = rows.batch(count, subjects, facts, turns, copying, talk)
            left = rate if number < len(STAGES) - 1 else rate * min(1.0, max(0.02, (1 - step / most) / 0.7))
            loss = teacher.step(ids, labels, left)
            seen += ids.numel()
            if step % 100:
                continue
            exact = teacher.exact(*held_out.batch(24, subjects, facts, turns, 0.0, 0.0, plain=True))
            entry = {"stage": number, "step": teacher.done, "loss": round(loss, 4), "exact": round(exact, 3)}
            entry |= {"tokens": seen, "seconds": round(time.monotonic() - began)}
            log.append(entry)
            print(json.dumps(entry), flush=True)
            if step % 500 == 0:
                _save(teacher.average.module, tokenizer, log, options.out)
            if exact >= enough:
                break
    _save(teacher.average.module, tokenizer, log, options.out)


if __name__ == "__main__":
    main()
