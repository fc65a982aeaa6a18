"""GGUF by llama.cpp's own converter, where there is one; it is good when, loaded back, it says the merged tokens."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tuner_tui.export.merged import merge, plain, says
from tuner_tui.export.outcome import Check, Outcome, Refused, Task
from tuner_tui.export.parity import parity, tokenizer_of
from tuner_tui.export.proof import base_changed, device
from tuner_tui.export.transcript import Transcript, split
from tuner_tui.safe import clean

CONVERTER = "convert_hf_to_gguf.py"
FILE = "model.gguf"


def export(task: Task) -> Outcome:
    """Merge, convert, load back, compare; Refused when there is no converter, or it refuses the model."""
    converter = find_converter()
    merged = task.place.path / ".merged"
    checks = merge(task, merged)
    checks += convert(task, converter, merged, task.place.path / "gguf")
    (task.place.path / "gguf" / "README.md").write_bytes((merged / "README.md").read_bytes())
    shutil.rmtree(merged)
    return Outcome(checks=checks, notes=[task.say("note.gguf", file=f"gguf/{FILE}"), *base_changed(task)])


def find_converter() -> Path:
    """llama.cpp's converter: in the folder TUNER_LLAMA_CPP, else on the PATH; Refused says how to get it."""
    folder = os.environ.get("TUNER_LLAMA_CPP")
    found = Path(folder).expanduser() / CONVERTER if folder else None
    if found is None or not found.is_file():
        on_path = shutil.which(CONVERTER)
        found = Path(on_path) if on_path else None
    if found is None:
        raise Refused("export.no_converter", converter=CONVERTER)
    return found


def convert(task: Task, converter: Path, merged: Path, folder: Path) -> list[Check]:
    """Write `model.gguf` into `folder` and compare it with the merged weights; Refused with the converter's words."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = task.place.path / ".trimmed"
    whole = trimmed(merged, aside)
    command = [sys.executable, str(converter), str(whole), "--outfile", str(folder / FILE), "--outtype", "auto"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    shutil.rmtree(aside, ignore_errors=True)
    if done.returncode != 0 or not (folder / FILE).is_file():
        print(clean(done.stderr, 1 << 20, lines=True), file=sys.stderr)
        raise Refused("export.converter_failed", detail=(done.stderr.strip().splitlines() or ["?"])[-1][:300])
    return same_as_merged(task, merged, folder)


def trimmed(merged: Path, aside: Path) -> Path:
    """The weights without embedding rows that no token has, written to `aside`; `merged` itself where there are none.

    llama.cpp loads only models with as many rows as tokens.
    """
    import torch
    from transformers import AutoModelForCausalLM

    tokens = len(tokenizer_of(merged))
    model = AutoModelForCausalLM.from_pretrained(str(merged), dtype="auto")
    if model.get_input_embeddings().weight.shape[0] <= tokens:
        return merged
    with torch.no_grad():
        model.resize_token_embeddings(tokens)
    shutil.copytree(merged, aside, ignore=shutil.ignore_patterns("*.safetensors*"))
    model.save_pretrained(aside, safe_serialization=True)
    return aside


def as_many_rows(task: Task, folder: Path) -> Check:
    """The check `gguf_rows`: the file has one embedding row for each of its tokens, or llama.cpp refuses it."""
    reader: Any = importlib.import_module("gguf").GGUFReader(str(folder / FILE))
    tokens = len(reader.fields["tokenizer.ggml.tokens"].data)
    rows = next(int(tensor.shape[-1]) for tensor in reader.tensors if tensor.name == "token_embd.weight")
    return task.check("gguf_rows", rows == tokens, value={"rows": rows, "tokens": tokens}, rows=rows, tokens=tokens)


def same_as_merged(task: Task, merged: Path, folder: Path) -> list[Check]:
    """The checks `gguf_parity` (its weights say the merged tokens), `gguf_tokens` and `gguf_rows`."""
    if importlib.util.find_spec("gguf") is None:
        return [task.check("compared", False, why=task.say("why.no_gguf_reader"))]
    tokenizer = tokenizer_of(merged)
    reference = says(task, plain(merged, device()), tokenizer)
    if reference is None:
        return [task.check("compared", False, why=task.say("why.no_data"))]
    found: list[Transcript] = says(task, _model(folder), tokenizer) or []
    return [
        as_many_rows(task, folder),
        parity(task, tokenizer, reference, found, name="gguf_parity"),
        same_tokens(task, tokenizer, reference, folder),
    ]


def same_tokens(task: Task, tokenizer: Any, reference: list[Transcript], folder: Path) -> Check:
    """The prompts cut by the GGUF's own tokenizer: by llama.cpp itself where it is installed, else by transformers."""
    by, cut = _cutter(folder)
    pairs = [(said.prompt_ids, cut(said.prompt)) for said in reference]
    found = [split(tokenizer, item, ours, theirs) for item, (ours, theirs) in enumerate(pairs) if ours != theirs]
    value = {"by": by, "prompts": len(pairs), "differences": msgspec.to_builtins(found)}
    return task.check("gguf_tokens", not found, value=value, by=by, prompts=len(pairs), different=len(found))


def _cutter(folder: Path) -> tuple[str, Callable[[str], list[int]]]:
    if importlib.util.find_spec("llama_cpp") is not None:
        llama: Any = importlib.import_module("llama_cpp")
        model = llama.Llama(str(folder / FILE), vocab_only=True, verbose=False)
        return "llama.cpp", lambda text: list(model.tokenize(text.encode(), add_bos=False, special=True))
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), gguf_file=FILE)
    return "transformers", lambda text: list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _model(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(str(folder), gguf_file=FILE, dtype=torch.float32).to(device())
