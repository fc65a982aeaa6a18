"""A tokenizer is a stranger's program too: one whose rules make texts thousands of times as long is not loaded."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.foreign import read_small

TOKENIZER_BYTES = 1 << 28
MOST = 1000.0
"""Times as long: a space becomes three bytes, and the longest that NFKC makes of one letter has eighteen."""


class _Rules(msgspec.Struct):
    normalizer: Any = None
    decoder: Any = None


def refuse_growth(path: Path) -> None:
    """InputError for a tokenizer.json that cannot be read, or that makes texts more than MOST times as long."""
    try:
        rules = msgspec.json.decode(read_small(path, TOKENIZER_BYTES), type=_Rules)
        grown = max(_growth(rules.normalizer), _growth(rules.decoder))
    except OSError as error:
        raise InputError("inspect.bad_tokenizer", path=str(path), detail=error.strerror or str(error)) from None
    except RecursionError:
        raise InputError("inspect.bad_tokenizer", path=str(path), detail="nested too deep") from None
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:
        raise InputError("inspect.bad_tokenizer", path=str(path), detail=str(error)[:200]) from None
    if grown > MOST:
        raise InputError("inspect.tokenizer_grows", path=str(path), times=f"{grown:.3g}", most=f"{MOST:,.0f}")


def _growth(rule: Any) -> float:
    """How many times as long a text can become by one rule after another."""
    return math.prod(_one(each) for each in _single(rule))


def _single(rule: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(rule, dict):
        return
    inner = next((rule[name] for name in ("normalizers", "decoders") if isinstance(rule.get(name), list)), None)
    if inner is None:
        yield rule
    for each in inner or ():
        yield from _single(each)


def _one(rule: dict[str, Any]) -> float:
    if rule.get("type") == "Replace":
        pattern = rule["pattern"].get("String", "")  # a regular expression may match nothing, at every letter
        return max(1.0, len(rule["content"]) / len(pattern) if pattern else len(rule["content"]) + 1.0)
    if rule.get("type") == "Precompiled":
        raw = base64.b64decode(rule["precompiled_charsmap"] or "")
        # Layout: bytes of the trie, the trie, what letters become, each ended by a zero (sentencepiece, normalizer.cc).
        made = raw[4 + int.from_bytes(raw[:4], "little") :]
        return max(1.0, max(map(len, made.split(b"\0")), default=0) / 4)
    return 1.0
