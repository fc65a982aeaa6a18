"""What rows say, not only how they lie: every check that must read the text. Sound rows only, each check once a row."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable

from tuner_tui.inspect import oddities
from tuner_tui.inspect.alike import Alike
from tuner_tui.inspect.held import Held
from tuner_tui.inspect.languages import language_of
from tuner_tui.inspect.mojibake import Repair, lost_characters, repair
from tuner_tui.inspect.private import hidden, personal_in, secrets_in
from tuner_tui.inspect.report import Severity, Spread, spread
from tuner_tui.inspect.rowcheck import check
from tuner_tui.inspect.sample import Numbered
from tuner_tui.inspect.scan import Findings, Scan
from tuner_tui.inspect.shape import Shape
from tuner_tui.inspect.talk import Talk, calls_in, messages_in, talk_of
from tuner_tui.inspect.tokens import Counter

MIXED_SHARE, SKEWED_SHARE, LABELS_MOST = 0.02, 0.9, 50
LONGER_SHARE, LONGER_PAIRS = 0.8, 20
SAME_SHARE, SAME_ROWS = 0.5, 20
READ = 20_000
TEMPLATE_ROWS = 50


class Deep:
    """The deeper checks over the rows shown to `look`; `finish` says what only the whole tells."""

    def __init__(self, scan: Scan, counter: Counter | None, max_length: int | None, held: Held | None) -> None:
        self._scan, self._counter, self._max_length, self._held = scan, counter, max_length, held
        self.findings = Findings()
        """What was found in the rows that were looked at, which may be a sample."""
        self._alike = Alike()
        self._seen: set[str] = set()
        self._same: list[int] = []
        self._details: dict[str, Counts[str]] = {}
        self.rows = self.counted = 0
        self.lengths: Counts[int] = Counts()
        self.answers: Counts[int] = Counts()
        self.languages: Counts[str] = Counts()
        self._said: Counts[str] = Counts()
        self._longer = self._pairs = 0

    @property
    def shape(self) -> Shape:
        """The recognised format."""
        return self._scan.shape

    def look(self, rows: Numbered) -> None:
        """Read the next rows; those with faults were named already and are passed over."""
        talks = list(self._talks(rows))
        self.rows += len(talks)
        for number, talk in talks:
            self._read(number, talk)
        if self._counter is not None:
            self._count(talks, self._counter)

    def _talks(self, rows: Numbered) -> Iterable[tuple[int, Talk]]:
        for number, row in rows:
            named = self._scan.renamed(row)
            if next(iter(check(named, self.shape)), None) is not None:
                continue
            talk = talk_of(named, self.shape)
            if talk is not None:
                yield number, talk
                if any(map(calls_in, messages_in(named))):
                    self.findings.add("tool_calls", Severity.WARNING, number)

    def _read(self, number: int, talk: Talk) -> None:
        asked, answer = talk.asked_text[:READ], (talk.answer or "")[:READ]
        whole = f"{asked}\n{answer}\n{talk.rejected or ''}"
        self._language(number, asked, answer)
        self._private(number, whole)
        made = None if whole.isascii() else repair(whole)
        self._marks(number, talk, whole if made is None else made.text)
        self._repeats(number, whole)
        self._leaks(number, talk)
        self._broken(number, whole, made)
        if talk.answer is not None and talk.rejected is not None:
            self._pairs += 1
            self._longer += len(talk.answer) > len(talk.rejected)

    def _language(self, number: int, asked: str, answer: str) -> None:
        said, replied = language_of(asked), language_of(answer)
        told = replied or said
        if told is not None:
            self.languages[told] += 1
        if said in ("ko", "en") and replied in ("ko", "en") and said != replied:
            self._note("language_switch", number, f"{said} > {replied}", severity=Severity.INFO)

    def _private(self, number: int, text: str) -> None:
        for code, kinds in (("secrets", secrets_in(text)), ("personal_data", personal_in(text))):
            for kind in kinds:
                self._details.setdefault(code, Counts())[kind] += 1
            if kinds:
                self.findings.add(code, Severity.WARNING, number)

    def _note(self, code: str, number: int, detail: str, *, severity: Severity = Severity.WARNING) -> None:
        self._details.setdefault(code, Counts())[detail] += 1
        self.findings.add(code, severity, number)

    def _marks(self, number: int, talk: Talk, whole: str) -> None:
        if talk.answer is not None and self.shape.kind == "instruction_pairs":
            self._said[talk.answer[:200]] += 1 if len(self._said) < 100_000 else 0
            if oddities.is_placeholder(talk.answer):
                self.findings.add("placeholder", Severity.WARNING, number)
        for code, test in oddities.TESTS.items():
            if test(whole):
                self.findings.add(code, oddities.SEVERITY.get(code, Severity.WARNING), number)

    def _repeats(self, number: int, whole: str) -> None:
        """Rows that are equal byte for byte were counted by the scan; these differ a little."""
        if whole in self._seen:
            self._same.append(number)
            return
        self._seen.add(whole)
        if self._alike.add(whole) is not None:
            self.findings.add("near_duplicates", Severity.WARNING, number)

    def _leaks(self, number: int, talk: Talk) -> None:
        if self._held is None:
            return
        if self._held.has(talk):
            self.findings.add("leak", Severity.WARNING, number)
        elif self._held.nearly_has(talk):
            self.findings.add("near_leak", Severity.WARNING, number)

    def _broken(self, number: int, text: str, made: Repair | None) -> None:
        if made is not None:
            code = "mojibake_lossy" if made.lost else "mojibake"
            self._note(code, number, made.table)
        elif lost_characters(text):
            self.findings.add("lost_characters", Severity.WARNING, number)

    def _count(self, talks: list[tuple[int, Talk]], counter: Counter) -> None:
        for number, talk in talks[: max(TEMPLATE_ROWS - self.counted, 0)]:
            fault = counter.fault(talk)
            if fault is not None:
                self.findings.add(fault[0], Severity.WARNING, number, fault[1])
        self.counted += len(talks)
        found = counter.lengths([talk for _, talk in talks])
        for (number, _), length in zip(talks, found, strict=True):
            self.lengths[length.whole] += 1
            self.answers[length.answer] += 1
            if self._max_length is not None and length.whole > self._max_length:
                self.findings.add("truncated", Severity.WARNING, number, str(self._max_length))
                if length.whole - length.answer >= self._max_length and length.answer:
                    self.findings.add("answer_cut_off", Severity.WARNING, number, str(self._max_length))

    def finish(self, repeated: list[int]) -> None:
        """Problems of the whole: kinds and shares, a skew, a mix. `repeated` rows were counted as exact repeats."""
        for number in sorted(set(self._same) - set(repeated)):
            self.findings.add("same_text", Severity.WARNING, number)
        for code, counts in self._details.items():
            self.findings.detail(code, ", ".join(f"{name} {count}" for name, count in counts.most_common(12)))
        self._mix()
        self._skew()
        if "truncated" in self.findings.found:
            cut = 100 * self.findings.found["truncated"][1] / max(self.counted, 1)
            self.findings.detail("truncated", f"> {self._max_length}, {cut:.0f}%")
        if self._pairs >= LONGER_PAIRS and self._longer >= LONGER_SHARE * self._pairs:
            share = f"{100 * self._longer / self._pairs:.0f}"
            self.findings.add("longer_wins", Severity.INFO, detail=share, count=self._longer)
        common = self._said.most_common(1)
        if self.rows >= SAME_ROWS and common and common[0][1] > SAME_SHARE * self.rows and not self._scan.labels:
            self.findings.add("same_answer", Severity.WARNING, detail=hidden(common[0][0])[:60], count=common[0][1])

    def _mix(self) -> None:
        total = sum(self.languages.values())
        shown = [(name, count) for name, count in self.languages.most_common() if count >= MIXED_SHARE * total]
        if len(shown) > 1:
            mix = ", ".join(f"{name} {100 * count / total:.0f}%" for name, count in shown)
            self.findings.add("language_mix", Severity.INFO, detail=mix, count=total)

    def _skew(self) -> None:
        labels = self._scan.labels
        total = sum(labels.values())
        if not 1 < len(labels) <= LABELS_MOST:
            return
        most = labels.most_common(1)[0][1]
        if most >= SKEWED_SHARE * total:
            counts = ", ".join(f"{label}: {count}" for label, count in labels.most_common(6))
            self._scan.findings.add("label_skew", Severity.WARNING, detail=counts, count=most)

    @property
    def tokens(self) -> Spread | None:
        """Tokens a row, template and end token included."""
        return spread(self.lengths)

    @property
    def answer_tokens(self) -> Spread | None:
        """Tokens of the answer alone."""
        return spread(self.answers) if any(self.answers) else None
