"""One path in, one inspection out: every row is counted, and what cannot be read is an InputError with a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.facts import Data
from tuner_tui.inspect.classes import only_class
from tuner_tui.inspect.deep import Deep
from tuner_tui.inspect.formats import is_message
from tuner_tui.inspect.heard import Heard, end, hearing
from tuner_tui.inspect.held import Held, sibling, sound_talks
from tuner_tui.inspect.opened import open_file
from tuner_tui.inspect.private import hidden
from tuner_tui.inspect.ranged import partly, scanned
from tuner_tui.inspect.report import Field, Inspection, Problem, Severity, Spread, spread
from tuner_tui.inspect.rows import Block
from tuner_tui.inspect.sample import Sample, numbered
from tuner_tui.inspect.scan import Findings, Scan
from tuner_tui.inspect.source import DOCUMENT, Source, blocks_of, limited, open_source, readable, recognised
from tuner_tui.inspect.tokens import Counter
from tuner_tui.inspect.told import told
from tuner_tui.safe import clean

PREVIEW_ROWS, PREVIEW_CHARS = 20, 2000
FEW_ROWS = 10
PROSE_CHARS = 8
MERELY_TOLD = ("bom", "split", "sampled", "pieces", "expanded", "separator")
PLAIN_LABELS = ({"true", "false"}, {"1", "0"})
"""Labels that training reads as they stand."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """How to look: our field -> their column, rows at most, the tokenizer's folder, the length rows are cut at.

    `full` reads every row in the deeper checks, which else sample a large file. `test` is held-out data that must not
    be trained on; without it, the test file beside a training file, or the test split of a folder. `encoding` is what a
    person says the text is in; held-out files of their own are read as their bytes tell.
    """

    mapping: dict[str, str] = {}
    limit: int | None = None
    model: Path | None = None
    max_length: int | None = None
    full: bool = False
    test: Path | None = None
    lang: str | None = None
    encoding: str | None = None


def inspect(
    path: Path | str,
    *,
    mapping: dict[str, str] | None = None,
    limit: int | None = None,
    lang: str | None = None,
    model: Path | str | None = None,
    max_length: int | None = None,
    full: bool = False,
    test: Path | str | None = None,
    encoding: str | None = None,
    heard: Heard | None = None,
) -> Inspection:
    """Inspect a file or folder; see `Wanted` for the options. `heard` is told how far it is, and may raise to end it.

    InputError when there is nothing there, it cannot be read at all, or the mapping names no column of it.
    """
    path = Path(path).expanduser()
    wanted = Wanted(
        mapping=dict(mapping or {}),
        limit=limit,
        lang=lang,
        model=None if model is None else Path(model).expanduser(),
        max_length=max_length,
        full=full,
        test=None if test is None else Path(test).expanduser(),
        encoding=encoding,
    )
    source = open_source(path, encoding)
    held = held_rows(path, source, wanted)
    found = _inspected(
        source._replace(blocks=hearing(source.blocks, path, heard)),
        wanted,
        held,
        lambda: open_source(path, encoding).blocks,
        heard,
    )
    _check_mapping(path, wanted.mapping, found)
    return found


def held_rows(path: Path, source: Source, wanted: Wanted) -> Held | None:
    """The held-out rows that training rows are looked up in, where there are any."""
    test = wanted.test or sibling(path)
    if test is not None:
        rows = open_source(test)
    elif source.held:
        rows = Source(chain.from_iterable(blocks_of(open_file(part, wanted.encoding)) for part in source.held), [])
    elif source.inner is not None:
        rows = Source(source.inner(), [])
    else:
        return None
    shape, early = recognised(rows, wanted.mapping)
    held, scan, start = Held(), Scan(shape, wanted.mapping), 0
    for block in chain(early, rows.blocks):
        held.take(sound_talks(numbered(start, block.rows), scan))
        start += len(block.rows)
    return held


def _check_mapping(path: Path, mapping: dict[str, str], found: Inspection) -> None:
    for field, column in mapping.items():
        if found.columns and column not in found.columns and column.partition(".")[0] not in found.columns:
            columns = clean(", ".join(found.columns[:30]), 400)
            raise InputError(
                "inspect.map_column", path=clean(str(path)), field=clean(field), column=clean(column), columns=columns
            )


def _inspected(
    source: Source,
    wanted: Wanted,
    held: Held | None,
    again: Callable[[], Iterator[Block]],
    heard: Heard | None,
) -> Inspection:
    counter = Counter(wanted.model) if wanted.model is not None else None
    notes = source.notes
    if wanted.limit is not None:
        source = source._replace(blocks=limited(source.blocks, wanted.limit))
    shape, early = recognised(source, wanted.mapping)
    scan = Scan(shape, wanted.mapping)
    deep = Deep(scan, counter, wanted.max_length, held)
    sample = Sample(deep.look, full=wanted.full)
    parts = source.plain if wanted.limit is None else None
    scanned(None if wanted.full else parts, early, source.blocks, scan, sample, heard)
    end(source.blocks)
    sample.finish()

    def once_more() -> Iterable[Block]:
        return again() if wanted.limit is None else limited(again(), wanted.limit)

    duplicates, repeated = scan.repeats.finish(once_more, None if parts is None else partly(parts))
    deep.finish(repeated)
    if not sample.whole:
        notes = [*notes, ("sampled", str(deep.rows))]
    _note_all(scan, notes, duplicates, repeated)
    scan.findings.found |= deep.findings.found
    usable = scan.rows - scan.unusable if shape.kind is not None else 0
    found = Inspection(
        kind=shape.kind,
        format=shape.format,
        rows=scan.rows,
        usable_rows=usable,
        fields=_fields(scan),
        tokens=deep.tokens,
        duplicates=duplicates,
        problems=_problems(scan.findings),
        facts=Data(**{shape.kind: usable}) if shape.kind else Data(),
        preview=_preview(early),
        mapping={ours: theirs for ours, theirs in scan.mapping.items() if ours != theirs},
        histogram=_histogram(scan.totals.counts()),
        columns=list(scan.types),
        sampled=not sample.whole,
        answer_tokens=deep.answer_tokens,
        languages=dict(deep.languages),
        details={code: clean(hidden(detail), 300) for code, (_, _, _, detail) in scan.findings.found.items() if detail},
        looked={} if sample.whole else dict.fromkeys(deep.findings.found, deep.rows),
    )
    return _worded(found, wanted.lang)


def _note_all(scan: Scan, notes: list[tuple[str, str]], duplicates: int, repeated: list[int]) -> None:
    findings = scan.findings
    if not scan.rows:
        findings.add("empty_file", Severity.ERROR, count=0)
    elif scan.shape.format == "unknown" or (scan.shape.kind is None):
        _note_unknown(scan)
    for row in repeated:
        findings.add("duplicates", Severity.WARNING, row)
    if duplicates > len(repeated):
        findings.add("duplicates", Severity.WARNING, count=duplicates - len(repeated))
    only = only_class(scan.labels)
    if only is not None:
        scan.condemn("one_class", only)
    if not any({form for _, form in scan.written} <= plain for plain in PLAIN_LABELS):
        table = ", ".join(f"{form} = {str(said).lower()}" for said, form in sorted(scan.written))
        findings.add("mixed_labels", Severity.WARNING, detail=table, count=scan.written.total())
    if scan.shape.made:
        findings.add("reformed", Severity.INFO, detail=scan.shape.format, count=scan.rows)
    if scan.shape.guessed:
        pairs = ", ".join(f"{ours} = {theirs}" for ours, theirs in scan.renames.items())
        findings.add("mapped_columns", Severity.WARNING, detail=pairs, count=scan.rows)
    if 0 < scan.rows < FEW_ROWS and scan.shape is not DOCUMENT:
        findings.add("few_rows", Severity.INFO, count=scan.rows)
    for code, detail in notes:
        findings.add(
            code,
            Severity.INFO if code in MERELY_TOLD else Severity.WARNING,
            detail=detail,
        )


def _note_unknown(scan: Scan) -> None:
    """Rows whose columns are no known form; where no row could be read at all, that was said already."""
    if not scan.types and scan.unusable == scan.rows:
        return
    columns = ", ".join(islice(scan.types, 12))
    if scan.shape.task:
        scan.condemn("unsupported_task", scan.shape.task)
    elif is_message(scan.types):
        scan.condemn("single_messages", columns)
    else:
        scan.condemn("unknown_format", columns + _proposal(scan))


def _proposal(scan: Scan) -> str:
    """A mapping to try: the first two columns that hold sentences are question and answer, one alone is a document."""
    texts = [name for name, kinds in scan.types.items() if kinds == {"text"} and scan.chars.get(name)]
    texts = [name for name in texts if _is_prose(_chars(scan, name))] or texts
    if not texts:
        return ""
    named = ("prompt", "completion") if len(texts) > 1 else ("text",)
    return "; " + " ".join(f"--map {ours}={theirs}" for ours, theirs in zip(named, texts, strict=False))


def _is_prose(chars: Spread | None) -> bool:
    """Whether a column is more than a name, a key or a class."""
    return chars is not None and chars.mean >= PROSE_CHARS


def _fields(scan: Scan) -> dict[str, Field]:
    return {
        name: Field(types=sorted(kinds), filled=scan.present[name], chars=_chars(scan, name))
        for name, kinds in scan.types.items()
    }


def _chars(scan: Scan, name: str) -> Spread | None:
    tally = scan.chars.get(name)
    return None if tally is None else spread(tally.counts())


def _problems(findings: Findings) -> list[Problem]:
    """Errors first, then the most frequent; without words yet."""
    order = list(Severity)
    return [
        Problem(code=code, severity=severity, count=count, rows=rows, text="")
        for code, (severity, count, rows, _) in sorted(
            findings.found.items(), key=lambda item: (order.index(item[1][0]), -item[1][1])
        )
    ]


def _worded(found: Inspection, lang: str | None) -> Inspection:
    """The same with the text of each problem."""
    said = [msgspec.structs.replace(problem, text=told(found, problem, lang)) for problem in found.problems]
    return msgspec.structs.replace(found, problems=said)


def _preview(blocks: list[Block]) -> list[dict[str, str]]:
    rows = islice(readable(blocks), PREVIEW_ROWS)
    return [
        {clean(key, 80): clean(_shown(value), PREVIEW_CHARS, lines=True) for key, value in row.items()} for row in rows
    ]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def _histogram(totals: dict[int, int], bins: int = 24) -> dict[int, int]:
    """Rows by length, about `bins` equal steps up to the longest, upper ends inclusive."""
    if not totals:
        return {}
    step = max(-(-max(totals) // bins), 1)
    counts: dict[int, int] = {}
    for length, count in totals.items():
        end = max(-(-length // step), 1) * step
        counts[end] = counts.get(end, 0) + count
    return {end: counts.get(end, 0) for end in range(step, max(counts) + 1, step)}
