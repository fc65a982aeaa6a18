"""A constrained answer can only be what the recipe allows: a token that would break the form is never chosen.

The grammar engine is llguidance (optional extra `constrain`); https://github.com/guidance-ai/llguidance.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from advisor.answering import PromptSpec
from advisor.errors import InputError

ON_ONE_LINE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""Where any white space may stand, a weak model writes nothing else until its tokens are used up."""


def form_of(spec: PromptSpec) -> tuple[str, Any] | None:
    """`("schema", JSON)` or `("pattern", TEXT)`; None for free answers. InputError: more than one form is named."""
    given = [name for name in ("schema", "pattern", "choices") if getattr(spec, name)]
    if len(given) > 1:
        raise InputError("constrain.several", given=", ".join(f"prompting.{name}" for name in given))
    if not given:
        return None
    if spec.schema:
        return "schema", _schema(spec.schema)
    if spec.pattern:
        return "pattern", spec.pattern
    return "pattern", "|".join(re.escape(choice) for choice in spec.choices)


def _schema(file: str) -> Any:
    try:
        return msgspec.json.decode(Path(file).expanduser().read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise InputError("training.schema_file", path=file, detail=error) from None


class Constraint:
    """The form of every answer for one tokenizer. InputError: no engine, no fast tokenizer, or a form that is none."""

    def __init__(self, spec: PromptSpec, tokenizer: Any, vocabulary: int, ends: list[int]) -> None:
        form = form_of(spec)
        assert form is not None
        import numpy

        try:
            import llguidance
            import llguidance.hf
        except ImportError:
            raise InputError("constrain.missing") from None
        if not getattr(tokenizer, "is_fast", False):
            raise InputError("constrain.tokenizer", name=tokenizer.name_or_path)
        kind, wanted = form
        matcher = llguidance.LLMatcher
        try:
            self._grammar = (
                matcher.grammar_from_json_schema(wanted, overrides=ON_ONE_LINE)
                if kind == "schema"
                else matcher.grammar_from_regex(wanted)
            )
        except ValueError as error:
            raise InputError("constrain.form", detail=str(error)[:300]) from None
        self._tokenizer = llguidance.hf.from_tokenizer(tokenizer, n_vocab=vocabulary, eos_token=ends)
        self._ends = numpy.zeros((vocabulary + 31) // 32, dtype=numpy.int32)
        for end in ends:
            self._ends.view(numpy.uint32)[end // 32] |= numpy.uint32(1 << (end % 32))
        fault = matcher.validate_grammar(self._grammar, self._tokenizer)
        if fault:
            raise InputError("constrain.form", detail=fault[:300])

    def processor(self, rows: int, width: int) -> Any:
        """What `generate` calls before each token of `rows` prompts padded to `width` tokens."""
        import llguidance

        matchers = [llguidance.LLMatcher(self._tokenizer, self._grammar) for _ in range(rows)]
        return _Processor(matchers, width, self._ends)


class _Processor:
    """Keeps each row's place in the grammar; a row whose form is whole can only end."""

    def __init__(self, matchers: list[Any], width: int, ends: Any) -> None:
        import numpy

        self._matchers, self._seen, self._ends = matchers, width, ends
        self._mask = numpy.zeros((len(matchers), len(ends)), dtype=numpy.int32)

    def __call__(self, ids: Any, scores: Any) -> Any:
        """`scores` (rows, vocabulary) with minus infinity where the form allows no token."""
        import torch

        self._advance(ids)
        for row, matcher in enumerate(self._matchers):
            if matcher.is_stopped():
                self._mask[row] = self._ends
                continue
            line = self._mask[row]
            matcher.unsafe_compute_mask_ptr(line.ctypes.data, line.nbytes)
        bits = torch.from_numpy(self._mask).to(scores.device)
        places = torch.arange(32, device=scores.device, dtype=torch.int32)
        allowed = ((bits[:, :, None] >> places) & 1).bool().flatten(1)[:, : scores.shape[1]]
        blocked = torch.ones_like(scores, dtype=torch.bool)
        blocked[:, : allowed.shape[1]] = ~allowed
        return scores.masked_fill(blocked, float("-inf"))

    def _advance(self, ids: Any) -> None:
        for tokens in ids[:, self._seen :].T.tolist():
            for matcher, token in zip(self._matchers, tokens, strict=True):
                if not matcher.is_stopped():
                    matcher.consume_token(token)
        self._seen = ids.shape[1]
