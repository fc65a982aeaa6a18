"""Text that was decoded with the wrong table is found by decoding it back: real text almost never survives that."""

from __future__ import annotations

import re
from functools import cache

import msgspec

TABLES = ("cp1252", "cp1253", "cp1251", "cp949", "mac_roman", "cp437")
"""What UTF-8 bytes are most often misread as: Western, Greek and Cyrillic Windows, Korean Windows, old Mac, DOS."""
LEAST, LEAST_SHARE = 3, 0.3
KOREAN_LEAST, KOREAN_SHARE = 4, 0.8
USUAL = re.compile(
    "[\u00a0-\u017f\u0391-\u03c9\u0410-\u044f\u2010-\u2027\u20ac\u3001-\u30ff\u4e00-\u9fff가-힣\U0001f300-\U0001faff]"
)
"""Letters and marks that people write; what random bytes decode to lies mostly elsewhere."""
HANGUL = re.compile("[가-힣]")
LOST = re.compile("\ufffd|占쏙옙")
UNKNOWN = "\u0100"
PIECES = re.compile(
    "([\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})"
    "|([\xe1-\xef\u0100][\x80-\xbf\u0100]{2}|[\xe1-\xef\u0100][\x80-\xbf\u0100])|(.)",
    re.DOTALL,
)
"""Of bytes written as the letters of their numbers, a lost one as UNKNOWN: a whole character, one with a gap, any."""
TIMES = 3
LOOKED_AT = 20_000


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """The text as it was before; `lost` characters cannot be brought back and stand as U+FFFD."""

    text: str
    table: str
    lost: int


def repair(text: str) -> Repair | None:
    """The repaired text when it was UTF-8 (or CP949) read with another table; None when nothing is wrong with it.

    What was misread several times (TIMES at most) is brought back as often. Of a very long text (LOOKED_AT characters
    three times over) the beginning, the middle and the end are looked at first: where they are sound, all of it is.
    """
    if len(text) > 3 * LOOKED_AT:
        starts = (0, (len(text) - LOOKED_AT) // 2, len(text) - LOOKED_AT)
        if all(_repaired_once(text[start : start + LOOKED_AT]) is None for start in starts):
            return None
    found = _repaired_once(text)
    for _ in range(TIMES - 1):
        again = _repaired_once(found.text) if found is not None and not found.lost else None
        if found is None or again is None or again.lost:
            break
        found = Repair(text=again.text, table=found.table, lost=0)
    return found


def _repaired_once(text: str) -> Repair | None:
    if text.isascii():
        return None
    back = _back_with_gaps if "\ufffd" in text else _back
    found = [made for table in TABLES if (made := back(text, table)) is not None]
    if found:
        return min(found, key=lambda made: (made.lost, -len(made.text)))
    return _korean_as_western(text)


def _back_with_gaps(text: str, table: str) -> Repair | None:
    """A text of which some bytes were replaced by U+FFFD: a character that lacks one is a gap, the others come back."""
    pieces, good, bad, gaps = [], 0, 0, 0
    for whole, gap, other in PIECES.findall(_as_bytes(text, table)):
        if whole and (letter := _decoded(whole)) is not None:
            good += 1
            pieces.append(letter)
        elif gap:
            gaps += 1
            good += len(gap) == 3 and gap.count(UNKNOWN) == 1
            pieces.append("\ufffd")
        else:
            bad += any(ord(letter) > 127 for letter in whole or other)
            pieces.append("\ufffd" if UNKNOWN in other else whole or other)
    if good < LEAST or good < LEAST_SHARE * (good + bad):
        return None
    made = "".join(pieces)
    if table == "cp949" and bad > good:
        return None
    return Repair(text=made, table=table, lost=max(made.count("\ufffd"), 1))


def _as_bytes(text: str, table: str) -> str:
    """The bytes that a table writes, each as the letter of its number; what it cannot write is UNKNOWN."""
    codes = [_byte(letter, table) for letter in text]
    return "".join(UNKNOWN if code is None else code.decode("latin-1") for code in codes)


def _decoded(piece: str) -> str | None:
    """The character that bytes spell, where people write it."""
    try:
        letter = piece.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return letter if USUAL.match(letter) else None


def _back(text: str, table: str) -> Repair | None:
    pieces, good, bad, old = [], 0, 0, 0
    for piece, raw in _segments(text, table):
        if raw is None:
            pieces.append(piece)
            continue
        decoded = raw.decode("utf-8", "replace")
        usual = len(USUAL.findall(decoded))
        good += usual
        bad += sum(ord(letter) > 127 for letter in decoded) - usual
        old += sum(ord(letter) > 127 for letter in piece)
        pieces.append(decoded)
    if good < LEAST or good < LEAST_SHARE * (good + bad) or good >= old:
        return None
    made = "".join(pieces)
    if table == "cp949" and len(HANGUL.findall(made)) < 0.8 * good:
        return None
    return Repair(text=made, table=table, lost=made.count("\ufffd"))


def _segments(text: str, table: str) -> list[tuple[str, bytes | None]]:
    """Runs of what the table can write, as bytes; characters that it lacks stand alone with None."""
    try:
        return [(text, text.encode(table))]
    except UnicodeEncodeError:
        pass
    segments: list[tuple[str, bytes | None]] = []
    run, raw = "", b""
    for letter in text:
        code = _byte(letter, table)
        if code is not None:
            run, raw = run + letter, raw + code
            continue
        if run:
            segments.append((run, raw))
            run, raw = "", b""
        segments.append((letter, None))
    return [*segments, (run, raw)] if run else segments


@cache
def _byte(letter: str, table: str) -> bytes | None:
    """The bytes of one character; bytes that a table leaves undefined pass as the C1 character of that number."""
    try:
        return letter.encode(table)
    except UnicodeEncodeError:
        return bytes([ord(letter)]) if 0x80 <= ord(letter) <= 0x9F else None


def _korean_as_western(text: str) -> Repair | None:
    """CP949 bytes read as Latin-1: `¾È³ç` was `안녕`."""
    try:
        decoded = text.encode("latin-1").decode("cp949")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None
    foreign = [letter for letter in decoded if ord(letter) > 127]
    hangul = sum("가" <= letter <= "힣" for letter in foreign)
    if hangul < KOREAN_LEAST or hangul < KOREAN_SHARE * len(foreign):
        return None
    return Repair(text=decoded, table="latin-1", lost=0)


def lost_characters(text: str) -> int:
    """Characters that a wrong decoding has already thrown away for good."""
    return len(LOST.findall(text))
