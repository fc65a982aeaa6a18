"""A passage is as long as its reader finds it: tokens of the model that reads it, characters where none is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from advisor.errors import InputError
from advisor.recipe import Recipe

CHARACTERS = 1200


class Measure(Protocol):
    """How long a text is, and where one that is too long is cut. `joint` is what joining two texts may add."""

    name: str
    size: int
    overlap: int
    joint: int

    def count(self, texts: Sequence[str]) -> list[int]:
        """The length of each text."""
        ...

    def cut(self, text: str) -> Iterator[str]:
        """The text in pieces of at most `size`; the text itself where it fits."""
        ...


class Characters:
    """Unicode characters."""

    joint = 1

    def __init__(self, size: int = CHARACTERS, overlap: int = 0) -> None:
        self.name, self.size, self.overlap = "characters", size, overlap

    def count(self, texts: Sequence[str]) -> list[int]:
        """Characters of each text."""
        return [len(text) for text in texts]

    def cut(self, text: str) -> Iterator[str]:
        """Every `size` characters."""
        return (text[start : start + self.size] for start in range(0, len(text), self.size))


class Tokens:
    """Tokens of a model's tokenizer, without the special ones that a whole text gets."""

    joint = 2

    def __init__(self, tokenizer: Any, name: str, size: int, overlap: int) -> None:
        self.name, self.size, self.overlap, self._tokenizer = name, size, overlap, tokenizer

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        return [len(found.ids) for found in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    def cut(self, text: str) -> Iterator[str]:
        """At token borders; a piece is measured again, since a text cut apart may be read as more tokens."""
        while text:
            found = self._tokenizer.encode(text, add_special_tokens=False)
            if len(found.ids) <= self.size:
                yield text
                return
            stop = self.size
            while True:
                at = max(found.offsets[stop - 1][1], 1)
                if stop == 1 or self.count([text[:at]])[0] <= self.size:
                    break
                stop -= max(stop // 16, 1)
            yield text[:at]
            text = text[at:]


def measure_of(recipe: Recipe) -> Measure:
    """The recipe's measure of chunks; InputError when its tokenizer cannot be loaded or the overlap is no overlap."""
    spec = recipe.retrieval
    return tokens(spec.chunk_tokenizer or recipe.model.id, spec.chunk_tokens, spec.chunk_overlap)


def tokens(model: str, size: int, overlap: int) -> Tokens:
    """The measure by a model's tokenizer: a folder with `tokenizer.json`, or a hub id."""
    if overlap * 2 > size:
        raise InputError("retrieval.overlap", overlap=overlap, size=size)
    return Tokens(_tokenizer(model), model, size, overlap)


def _tokenizer(model: str) -> Any:
    folder = Path(model).expanduser()
    local = folder.exists() or model.startswith((".", "/", "~"))
    if local and not folder.is_dir():
        raise InputError("retrieval.no_tokenizer", model=model)
    try:
        found = _loaded(folder, model, local)
    except Exception as error:  # the Rust side and the hub client raise anything
        detail = str(error).strip().splitlines()
        raise InputError("retrieval.tokenizer", model=model, detail=detail[0][:200] if detail else "?") from None
    found.no_padding()
    found.no_truncation()
    return found


def _loaded(folder: Path, model: str, local: bool) -> Any:
    """From tokenizer.json; a model that has none is read by transformers, which makes one of its sentencepieces."""
    from tokenizers import Tokenizer

    if local and (folder / "tokenizer.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if not local:
        try:
            return Tokenizer.from_pretrained(model)
        except Exception:  # no such file, or no network and nothing kept
            pass
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder) if local else model).backend_tokenizer
