"""Prepared data is made beside its source, never in it; every row left out stands in a list with the reason."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.alike import Alike
from tuner_tui.inspect.classes import class_of, only_class
from tuner_tui.inspect.heard import Heard, hearing
from tuner_tui.inspect.held import Held, question_of, whole_of
from tuner_tui.inspect.inspection import Wanted, held_rows
from tuner_tui.inspect.mended import mended
from tuner_tui.inspect.mojibake import lost_characters, repair
from tuner_tui.inspect.oddities import has_html, has_special, is_placeholder
from tuner_tui.inspect.parted import Marks, parted
from tuner_tui.inspect.plain_form import plain_form
from tuner_tui.inspect.private import personal_in, secrets_in
from tuner_tui.inspect.rowcheck import check
from tuner_tui.inspect.rows import Bad, Mended, duplicate_keys
from tuner_tui.inspect.scan import Scan
from tuner_tui.inspect.source import open_source, recognised
from tuner_tui.inspect.talk import talk_of
from tuner_tui.safe import clean

ALWAYS = ("duplicates", "leak")
BY_WISH = (
    *("near_duplicates", "near_leak", "secrets", "personal_data", "placeholder", "special_tokens", "html"),
    *("mojibake_lossy", "lost_characters"),
)
MENDED_BY_WISH = ("mojibake_lossy",)
SMALLEST_SPLIT = 10


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks of the preparation; `shares` are those of validation and test.

    `mend` names the repairs that leave gaps, made only when they are asked for.
    """

    mapping: dict[str, str] = {}
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    mend: tuple[str, ...] = ()
    test: Path | None = None
    shares: tuple[float, float] = (0.1, 0.1)
    group: str | None = None
    time: str | None = None
    seed: int = 42
    encoding: str | None = None


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What was made: files with rows and SHA-256, rows left out and repairs by code, and one fingerprint of it all."""

    source: str
    out: str
    kind: str
    format: str
    rows: int
    kept: int
    files: dict[str, dict[str, str | int]]
    dropped: dict[str, int]
    repaired: dict[str, int]
    fingerprint: str


def prepare(path: Path | str, out: Path | str, choice: Choice, *, heard: Heard | None = None) -> Prepared:
    """Make the prepared data set in `out`, which must be new or empty; InputError says what stands in the way.

    `heard` is told how far it is, and may raise to end it; nothing is left behind then.
    """
    path, out = Path(path).expanduser(), Path(out).expanduser()
    _refuse_choice(choice)
    source = open_source(path, choice.encoding)
    source = source._replace(blocks=hearing(source.blocks, path, heard))
    shape, early = recognised(source, choice.mapping)
    if not any(map(len, early)):
        raise InputError("prepare.nothing_left", path=clean(str(path)), rows=0)
    if shape.kind is None:
        raise InputError("prepare.unknown", path=clean(str(path)))
    _refuse_out(path, out)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        held = held_rows(path, source, Wanted(mapping=choice.mapping, test=choice.test, encoding=choice.encoding))
        maker = _Maker(choice, Scan(shape, choice.mapping), held, work)
        maker.read(chain(early, source.blocks))
        if any(code == "changed" for code, _ in source.notes):
            raise InputError("prepare.changed", path=clean(str(path)))
        made = maker.finish(path, out)
        if out.is_dir():
            out.rmdir()
        work.chmod(0o755)
        work.replace(out)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return made


def _refuse_choice(choice: Choice) -> None:
    for code in (*choice.drop, *choice.keep):
        if code not in (*ALWAYS, *BY_WISH):
            raise InputError("prepare.code", problem=clean(code), allowed=", ".join((*ALWAYS, *BY_WISH)))
    for code in choice.mend:
        if code not in MENDED_BY_WISH:
            raise InputError("prepare.code", problem=clean(code), allowed=", ".join(MENDED_BY_WISH))
    if min(choice.shares) < 0 or sum(choice.shares) >= 1:
        raise InputError("prepare.shares", shares=", ".join(map(str, choice.shares)))


def _refuse_out(path: Path, out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError("prepare.out", out=clean(str(out)))
    if path.is_dir() and path.resolve() in (out.resolve(), *out.resolve().parents):
        raise InputError("prepare.inside", out=clean(str(out)), path=clean(str(path)))


class _Maker:
    """Reads once, keeping sound rows in a scratch file, then deals them out to the splits."""

    def __init__(self, choice: Choice, scan: Scan, held: Held | None, work: Path) -> None:
        self._choice, self._scan, self._held, self._work = choice, scan, held, work
        self._drops = {*ALWAYS, *choice.drop} - {*choice.keep}
        self._alike = Alike() if "near_duplicates" in self._drops else None
        self._seen: set[int] = set()
        self._marks: list[Marks] = []
        self.rows = 0
        self.dropped: Counter[str] = Counter()
        self.repaired: Counter[str] = Counter()

    def read(self, blocks: Iterator[Any]) -> None:
        """Judge every row; sound ones are kept, the others listed."""
        with (self._work / "kept.tmp").open("wb") as kept, (self._work / "dropped.jsonl").open("wb") as dropped:
            for block in blocks:
                twice = set(duplicate_keys(block))
                for at, row in enumerate(block.rows):
                    self.rows += 1
                    self._take(Bad("duplicate_keys") if at in twice else row, kept, dropped)

    def _take(self, row: Any, kept: IO[bytes], dropped: IO[bytes]) -> None:
        if isinstance(row, Mended):
            self.repaired[row.code] += 1
            row = row.row
        found = (row.code, row.detail) if isinstance(row, Bad) else self._judged(row, kept)
        if found is not None:
            code, detail = found
            self.dropped[code] += 1
            dropped.write(msgspec.json.encode({"row": self.rows, "code": code, "detail": detail}) + b"\n")

    def _judged(self, row: Any, kept: IO[bytes]) -> tuple[str, str] | None:
        """Keep the row, or say why not."""
        done: Counter[str] = Counter()
        named = mended(self._scan.renamed(row), done, gaps="mojibake_lossy" in self._choice.mend)
        fault = next(iter(check(named, self._scan.shape)), None)
        if fault is not None:
            return fault
        talk = talk_of(named, self._scan.shape)
        if talk is None:
            return "not_readable", ""
        form = plain_form(named, talk, self._scan.shape)
        code = next((code for code in self._faults(form, talk) if code in self._drops), None)
        if code is not None:
            return code, ""
        self.repaired.update(done.keys())
        kept.write(msgspec.json.encode(form) + b"\n")
        self._marks.append(self._mark(row, named, talk))
        return None

    def _faults(self, form: dict[str, Any], talk: Any) -> Iterator[str]:
        """Codes of what is wrong with the row, those asked for being computed."""
        digest = hash(msgspec.json.encode(form))
        if digest in self._seen:
            yield "duplicates"
        self._seen.add(digest)
        if self._held is not None and self._held.has(talk):
            yield "leak"
        whole = f"{whole_of(talk)}\n{talk.rejected or ''}"
        if self._held is not None and "near_leak" in self._drops and self._held.nearly_has(talk):
            yield "near_leak"
        yield from (code for code, test in _TESTS.items() if code in self._drops and test(whole))
        if "placeholder" in self._drops and is_placeholder(talk.answer or "") and talk.answer is not None:
            yield "placeholder"
        if self._alike is not None and self._alike.add(whole) is not None:
            yield "near_duplicates"

    def _mark(self, row: Any, named: dict[str, Any], talk: Any) -> Marks:
        choice = self._choice
        group = hash(question_of(talk)) if choice.group is None else hash(_cell(row, choice.group, self.rows))
        label = class_of(named, self._scan.shape)
        time = None if choice.time is None else str(_cell(row, choice.time, self.rows))
        return Marks(group, label, time)

    def finish(self, path: Path, out: Path) -> Prepared:
        """Deal the kept rows out, write the report."""
        if not self._marks:
            raise InputError("prepare.nothing_left", path=clean(str(path)), rows=self.rows)
        only = only_class(Counter(mark.label for mark in self._marks))
        if only is not None:
            raise InputError("prepare.one_class", path=clean(str(path)), label=clean(only), rows=len(self._marks))
        files = self._deal()
        shape = self._scan.shape
        made = Prepared(
            source=str(path.absolute()),
            out=str(out.absolute()),
            kind=str(shape.kind),
            format=shape.format,
            rows=self.rows,
            kept=len(self._marks),
            files=files,
            dropped=dict(self.dropped.most_common()),
            repaired=dict(self.repaired.most_common()),
            fingerprint=hashlib.sha256("".join(str(file["sha256"]) for file in files.values()).encode()).hexdigest(),
        )
        (self._work / "kept.tmp").unlink()
        (self._work / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
        return made

    def _deal(self) -> dict[str, dict[str, str | int]]:
        shares = self._choice.shares if len(self._marks) >= SMALLEST_SPLIT else (0.0, 0.0)
        if self._held is not None:
            shares = (shares[0], 0.0)
        sides = parted(self._marks, shares, self._choice.seed)
        rows, hashes = Counter(sides), {side: hashlib.sha256() for side in sorted(set(sides), reverse=True)}
        files = {side: (self._work / f"{side}.jsonl").open("wb") for side in hashes}
        try:
            with (self._work / "kept.tmp").open("rb") as kept:
                for side, line in zip(sides, kept, strict=True):
                    files[side].write(line)
                    hashes[side].update(line)
        finally:
            for file in files.values():
                file.close()
        return {f"{side}.jsonl": {"rows": rows[side], "sha256": hashes[side].hexdigest()} for side in hashes}


def _has_gaps(text: str) -> bool:
    found = repair(text)
    return found is not None and found.lost > 0


_TESTS: dict[str, Callable[[str], bool]] = {
    "secrets": lambda text: bool(secrets_in(text)),
    "personal_data": lambda text: bool(personal_in(text)),
    "special_tokens": has_special,
    "html": has_html,
    "mojibake_lossy": _has_gaps,
    "lost_characters": lambda text: lost_characters(text) > 0,
}


def _cell(row: Any, column: str, number: int) -> Any:
    if column not in row:
        raise InputError("prepare.column", column=clean(column), row=number)
    value = row[column]
    return value if isinstance(value, str | int | float | bool) else msgspec.json.encode(value)
