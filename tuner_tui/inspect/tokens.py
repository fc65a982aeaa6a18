"""Tokens are counted as training will see them: the model's own tokenizer, its chat template, its end token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.foreign import mapping, read_small
from tuner_tui.growth import refuse_growth
from tuner_tui.inspect.talk import Talk, Turn
from tuner_tui.rendering import Conversation, Renderer, TemplateRefused, beyond_limits
from tuner_tui.safe import clean

TEMPLATE_BYTES = 1 << 20


class Lengths(msgspec.Struct, frozen=True):
    """Tokens of one row: all of it, and of its answer (0 where it has none); the longer side of a pair counts."""

    whole: int
    answer: int


class Piece(msgspec.Struct, frozen=True):
    """One token's text (not cleaned), its id, and whether the loss counts it."""

    text: str
    token: int
    trained: bool


class Counter:
    """A model folder's tokenizer and chat template, without the training stack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tokenizer = _load(folder)
        config = mapping(folder / "tokenizer_config.json")
        self.end = _token(config.get("eos_token"))
        self.begin = _token(config.get("bos_token"))
        source = _template(folder, config)
        self._template = _compile(source, folder, self.begin, self.end) if source else None

    def lengths(self, talks: list[Talk]) -> list[Lengths]:
        """Lengths of rows, in order."""
        pairs = [talk for talk in talks if talk.rejected]
        texts = self._texts([*talks, *(talk._replace(answer=talk.rejected) for talk in pairs)])
        texts += self._texts([talk._replace(answer=None) for talk in talks])
        counts = [len(found.ids) for found in self._encoded(texts)]
        others = iter(counts[len(talks) : -len(talks)])
        found = []
        for talk, one, before in zip(talks, counts, counts[-len(talks) :] if talks else (), strict=False):
            whole = max(one, next(others) if talk.rejected else 0)
            found.append(Lengths(whole, whole - before if talk.answer is not None else 0))
        return found

    def _encoded(self, texts: list[str]) -> Any:
        """Each text's encoding; InputError where the tokenizer's own rules fail on one."""
        try:
            return self._tokenizer.encode_batch(texts, add_special_tokens=False)
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # what the Rust side raises is no Exception
                raise
            path = clean(str(self.folder / "tokenizer.json"))
            raise InputError("inspect.bad_tokenizer", path=path, detail=clean(error, 200)) from None

    def text(self, talk: Talk) -> str:
        """The whole row as the model reads it."""
        return self._texts([talk])[0]

    def asked(self, talk: Talk) -> str:
        """The part that is not trained: the question with everything up to where the answer begins."""
        return self._texts([talk._replace(answer=None)])[0]

    def _texts(self, talks: list[Talk]) -> list[str]:
        """Each row as the model reads it; a conversation that the template refuses is plain paragraphs."""
        if self._template is None:
            return [self._plain(talk) for talk in talks]
        rendered = iter(self._render([_conversation(talk) for talk in talks if talk.asked]))
        return [_readable(talk, next(rendered)[0]) if talk.asked else self._plain(talk) for talk in talks]

    def _plain(self, talk: Talk) -> str:
        asked = talk.asked_text + "\n" if talk.asked else ""
        return asked if talk.answer is None else asked + talk.answer + self.end

    def _render(self, asked: list[Conversation]) -> list[tuple[str | None, str]]:
        """The chat template applied; InputError when it hangs, grows or eats memory."""
        if self._template is None:
            return []
        try:
            return self._template.render(asked)
        except TemplateRefused as error:
            raise beyond_limits(error, str(self.folder)) from None

    def pieces(self, talk: Talk) -> list[Piece]:
        """The row token by token: what is shared with the question alone is masked, the answer and its end trained."""
        text = self.text(talk)
        whole = self._encoded([text])[0]
        asked = self._encoded([self.asked(talk)])[0].ids if talk.answer is not None else []
        masked = next(
            (at for at, (one, two) in enumerate(zip(asked, whole.ids, strict=False)) if one != two), len(asked)
        )
        pieces, done = [], 0
        for at, (number, (start, stop)) in enumerate(zip(whole.ids, whole.offsets, strict=True)):
            pieces.append(Piece(text[max(start, done) : stop], number, at >= masked))
            done = max(done, stop)
        return pieces

    def fault(self, talk: Talk) -> tuple[str, str] | None:
        """What the chat template does wrong with this row: refuses it, drops the answer, or never ends it."""
        if self._template is None or talk.answer is None or not talk.asked:
            return None
        text, why = self._render([_conversation(talk)])[0]
        if text is None:
            return "template_refuses", why[:120]
        at = text.rfind(talk.answer.strip())
        if at < 0:
            return "template_drops_answer", ""
        if self.end and self.end not in text[at + len(talk.answer.strip()) :]:
            return "end_not_trained", self.end
        return None

    @property
    def has_template(self) -> bool:
        """Whether the model says how conversations are written."""
        return self._template is not None


def _conversation(talk: Talk) -> Conversation:
    """What the template is asked to write: the whole row, or the question with room for an answer."""
    if talk.answer is None:
        return _turns(talk), True
    return [*_turns(talk), {"role": "assistant", "content": talk.answer}], False


def _readable(talk: Talk, text: str | None) -> str:
    return "\n\n".join(turn["content"] for turn in _conversation(talk)[0]) if text is None else text


def _turns(talk: Talk) -> list[Turn]:
    return [{"role": "user", "content": talk.asked}] if isinstance(talk.asked, str) else talk.asked


def _load(folder: Path) -> Any:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError("inspect.no_tokenizer", model=clean(str(folder)))
    refuse_growth(path)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises plain Exception
        raise InputError("inspect.bad_tokenizer", path=clean(str(path)), detail=clean(error, 200)) from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _token(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if os.path.lexists(path):
        try:
            return read_small(path, TEMPLATE_BYTES).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError("inspect.bad_template", model=clean(str(folder)), detail=clean(error, 200)) from None
    source = config.get("chat_template")
    if isinstance(source, list):
        named = {part.get("name"): part.get("template") for part in source if isinstance(part, dict)}
        source = named.get("default")
    return source if isinstance(source, str) else None


def _compile(source: str, folder: Path, begin: str, end: str) -> Renderer:
    """The template in its own process: it comes from the model's folder and may be anything."""
    try:
        return Renderer(source, begin=begin, end=end)
    except TemplateRefused as error:
        if error.limit is not None:
            raise beyond_limits(error, str(folder)) from None
        raise InputError("inspect.bad_template", model=clean(str(folder)), detail=clean(error, 200)) from None
