"""Tokens are counted as training will see them: the model's own tokenizer, its chat template, its end token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.talk import Talk, Turn
from tuner_tui.safe import clean

SMALL_FILE_BYTES = 1 << 24


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
        config = _json(folder / "tokenizer_config.json")
        self.end = _token(config.get("eos_token"))
        self.begin = _token(config.get("bos_token"))
        source = _template(folder, config)
        self._template: Any = _compile(source, folder) if source else None

    def lengths(self, talks: list[Talk]) -> list[Lengths]:
        """Lengths of rows, in order."""
        texts = [self.text(talk) for talk in talks]
        others = [self.text(talk._replace(answer=talk.rejected)) if talk.rejected else "" for talk in talks]
        asked = [self.asked(talk) for talk in talks]
        counts = iter(self._tokenizer.encode_batch([*texts, *others, *asked], add_special_tokens=False))
        whole = [len(next(counts).ids) for _ in texts]
        other = [len(next(counts).ids) for _ in others]
        prompt = [len(next(counts).ids) for _ in asked]
        return [
            Lengths(max(one, two), max(one, two) - before if talk.answer is not None else 0)
            for one, two, before, talk in zip(whole, other, prompt, talks, strict=True)
        ]

    def text(self, talk: Talk) -> str:
        """The whole row as the model reads it."""
        if talk.answer is None:
            return self.asked(talk)
        if self._template is None or not talk.asked:
            return self.asked(talk) + talk.answer + self.end
        return self.render([*_turns(talk), {"role": "assistant", "content": talk.answer}], answer_follows=False)

    def asked(self, talk: Talk) -> str:
        """The part that is not trained: the question with everything up to where the answer begins."""
        if not talk.asked:
            return ""
        if self._template is None:
            return talk.asked_text + "\n"
        return self.render(_turns(talk), answer_follows=True)

    def render(self, turns: list[Turn], *, answer_follows: bool) -> str:
        """The chat template applied; a conversation that the template refuses is plain paragraphs."""
        try:
            return self._rendered(turns, answer_follows=answer_follows)
        except _template_errors():
            return "\n\n".join(turn["content"] for turn in turns)

    def _rendered(self, turns: list[Turn], *, answer_follows: bool) -> str:
        return str(
            self._template.render(
                messages=turns,
                add_generation_prompt=answer_follows,
                bos_token=self.begin,
                eos_token=self.end,
                tools=None,
                documents=None,
            )
        )

    def pieces(self, talk: Talk) -> list[Piece]:
        """The row token by token: what is shared with the question alone is masked, the answer and its end trained."""
        text = self.text(talk)
        whole = self._tokenizer.encode(text, add_special_tokens=False)
        asked = (
            self._tokenizer.encode(self.asked(talk), add_special_tokens=False).ids if talk.answer is not None else []
        )
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
        try:
            text = self._rendered([*_turns(talk), {"role": "assistant", "content": talk.answer}], answer_follows=False)
        except _template_errors() as error:
            return "template_refuses", str(error).partition("\n")[0][:120]
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


def _template_errors() -> tuple[type[Exception], ...]:
    import jinja2

    return jinja2.TemplateError, TypeError, ValueError, LookupError, ArithmeticError


def _turns(talk: Talk) -> list[Turn]:
    return [{"role": "user", "content": talk.asked}] if isinstance(talk.asked, str) else talk.asked


def _load(folder: Path) -> Any:
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError("inspect.no_tokenizer", model=clean(str(folder)))
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the Rust side raises plain Exception
        raise InputError("inspect.bad_tokenizer", path=clean(str(path)), detail=clean(error, 200)) from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _json(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = msgspec.json.decode(file.read(SMALL_FILE_BYTES))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return raw if isinstance(raw, dict) else {}


def _token(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _template(folder: Path, config: dict[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    source = config.get("chat_template")
    if isinstance(source, list):
        named = {part.get("name"): part.get("template") for part in source if isinstance(part, dict)}
        source = named.get("default")
    return source if isinstance(source, str) else None


def _compile(source: str, folder: Path) -> Any:
    """As transformers compiles it, in a sandbox: a template comes from the model's folder and may be anything."""
    import jinja2
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: "2026-01-01"
    source = source.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    source = source.replace("{%- generation -%}", "").replace("{%- endgeneration -%}", "")
    try:
        return environment.from_string(source)
    except jinja2.TemplateError as error:
        raise InputError("inspect.bad_template", model=clean(str(folder)), detail=clean(error, 200)) from None


def _refuse(message: str) -> None:
    import jinja2

    raise jinja2.TemplateError(message)
