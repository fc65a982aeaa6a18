"""A text becomes a vector exactly as the model's own folder says (the layout of sentence-transformers)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BATCH = 32
LONGEST = 8192
FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
POOLED = ("cls", "max", "mean", "lasttoken")
SAMPLES, SAMPLE_BYTES = 16, 1 << 16


def folder_of(model: str) -> Path:
    """The model's folder: as named, else what the hub client fetches of that id."""
    local = Path(model).expanduser()
    if local.is_dir() or model.startswith((".", "/", "~")):
        return local
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=FILES))


def fingerprint(folder: Path) -> str:
    """16 hex digits that change when the weights or the settings do; of large files 16 places are read."""
    found = hashlib.sha256()
    for path in sorted(each for pattern in FILES for each in folder.rglob(pattern)):
        size = path.stat().st_size
        found.update(f"{path.relative_to(folder)} {size}\n".encode())
        with path.open("rb") as file:
            for at in range(0, size, max(size // SAMPLES, SAMPLE_BYTES)):
                file.seek(at)
                found.update(file.read(SAMPLE_BYTES))
    return found.hexdigest()[:16]


def settings_in(path: Path) -> Any:
    """A small JSON file of the model; an empty mapping where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


class Embedder:
    """An embedding model. ValueError when its folder asks for what is not known here."""

    def __init__(self, model: str, device: str = "cpu") -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        self.folder = folder_of(model)
        self.fingerprint = fingerprint(self.folder)
        self.poolings, self._dense, normal = self._modules(device)
        told = settings_in(self.folder / "config_sentence_transformers.json")
        self.prompts: dict[str, str] = told.get("prompts") or {}
        self.normal = normal or told.get("similarity_fn_name") != "dot"
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(self.folder))
        self._model: Any = (
            AutoModel.from_pretrained(str(self.folder), use_safetensors=True, dtype=torch.float32).eval().to(device)
        )
        self.longest = self._longest()

    def _longest(self) -> int:
        """Tokens that the model reads of a text."""
        said = settings_in(self.folder / "sentence_bert_config.json").get("max_seq_length")
        room = getattr(self._model.config, "max_position_embeddings", None) or LONGEST
        return int(said or min(room, self._tokenizer.model_max_length, LONGEST))

    def _modules(self, device: str) -> tuple[list[str], list[Any], bool]:
        """What follows the transformer: how tokens become one vector, linear layers, whether its length becomes 1."""
        poolings, layers, normal = ["mean"], [], False
        for each in settings_in(self.folder / "modules.json"):
            kind, place = each["type"].rpartition(".")[2], self.folder / each["path"]
            if kind == "Pooling":
                poolings = _poolings(settings_in(place / "config.json"))
            elif kind == "Dense":
                layers.append(_layer(place, device))
            elif kind == "Normalize":
                normal = True
            elif kind != "Transformer":
                raise ValueError(f"modules.json: {kind}")
        return poolings, layers, normal

    def questions(self, texts: Sequence[str]) -> Any:
        """(texts, dims) float32 of texts that search."""
        return self._vectors([self.prompts.get("query", "") + text for text in texts])

    def passages(self, texts: Sequence[str]) -> Any:
        """(texts, dims) float32 of texts that are found."""
        before = self.prompts.get("document", self.prompts.get("passage", ""))
        return self._vectors([before + text for text in texts])

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How long each text is for this model."""
        return [len(ids) for ids in self._tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]]

    def _vectors(self, texts: Sequence[str]) -> Any:
        import numpy
        import torch

        order = sorted(range(len(texts)), key=lambda at: -len(texts[at]))
        found: Any = None
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            batch = self._tokenizer(
                [texts[at] for at in places],
                padding=True,
                truncation=True,
                max_length=self.longest,
                return_tensors="pt",
                return_token_type_ids=False,
            ).to(self._model.device)
            with torch.inference_mode():
                pooled = self._pooled(self._model(**batch).last_hidden_state, batch["attention_mask"])
            if found is None:
                found = numpy.zeros((len(texts), pooled.shape[1]), dtype=numpy.float32)
            found[places] = pooled.float().cpu().numpy()
        return found

    def _pooled(self, states: Any, mask: Any) -> Any:
        import torch

        seen = mask.unsqueeze(-1).to(states.dtype)
        kinds = {
            "cls": lambda: states[torch.arange(len(mask)), mask.argmax(1)],
            "max": lambda: states.masked_fill(seen == 0, float("-inf")).amax(1),
            "mean": lambda: (states * seen).sum(1) / seen.sum(1).clamp(min=1e-9),
            "lasttoken": lambda: states[torch.arange(len(mask)), mask.shape[1] - 1 - mask.flip(1).argmax(1)],
        }
        found = torch.cat([kinds[name]() for name in self.poolings], dim=1)
        for layer in self._dense:
            found = layer(found)
        return torch.nn.functional.normalize(found, dim=1) if self.normal else found


def _poolings(told: Any) -> list[str]:
    """How tokens become one vector, by both forms of the file. ValueError for a way that is not known here."""
    named = told.get("pooling_mode")
    if named is None:
        flags = {"cls_token": "cls", "mean_tokens": "mean", "max_tokens": "max"}
        said = [key.removeprefix("pooling_mode_") for key, on in told.items() if key.startswith("pooling_mode_") and on]
        named = [flags.get(each, each) for each in said]
    found = [named] if isinstance(named, str) else list(named)
    if not found or not set(found) <= set(POOLED) or told.get("include_prompt") is False:
        raise ValueError(f"1_Pooling: {', '.join(found) or '-'} include_prompt={told.get('include_prompt', True)}")
    return sorted(found, key=POOLED.index)


def _layer(place: Path, device: str) -> Any:
    """A linear layer and its activation. ValueError for an activation that is not known here."""
    import torch
    from safetensors.torch import load_file

    told = settings_in(place / "config.json")
    kind = told.get("activation_function", "torch.nn.modules.activation.Tanh").rpartition(".")[2]
    if kind not in ("Tanh", "Identity"):
        raise ValueError(f"{place.name}: {kind}")
    layer = torch.nn.Linear(told["in_features"], told["out_features"], bias=told.get("bias", True))
    held = load_file(place / "model.safetensors")
    layer.load_state_dict({name.removeprefix("linear."): tensor for name, tensor in held.items()})
    return torch.nn.Sequential(layer, torch.nn.Tanh() if kind == "Tanh" else torch.nn.Identity()).eval().to(device)
