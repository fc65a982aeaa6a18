"""Step 9: each export is made by its own process and shown with the checks that it passed; nothing is overwritten."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.safe import clean
from tuner_tui.screens.step import Go, StepScreen
from tuner_tui.state import Wizard
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.hanging import Hanging, Row
from tuner_tui.widgets.path_input import PathInput
from tuner_tui.widgets.speaks import Plain, Say

FIRST = ("recipe", "adapter", "merged", "trl-script")
MAX_OUTPUT = 1 << 22
ENDING_S = 3.0
BLANK: Row = (Content(""), Content(""))


class Made(NamedTuple):
    """One export as its process told it: the document, or the words with which it failed."""

    target: str
    code: int
    document: dict[str, Any]
    words: str


class ExportScreen(StepScreen):
    """What to make, where to, and what came of it."""

    STEP = "export"
    GO = "go.write"
    OF_A_RUN = True
    FIRST_FOCUS = "#targets"
    CSS_PATH = "export.tcss"
    BINDINGS = bindings("export")

    class Offered(Message):
        """What can be made of a run."""

        def __init__(self, run_id: str, targets: tuple[str, ...], error: str) -> None:
            self.run_id, self.targets, self.error = run_id, targets, error
            super().__init__()

    class Exported(Message):
        """One export has ended; `left` follow."""

        def __init__(self, made: Made, left: int) -> None:
            self.made, self.left = made, left
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._run_id: str | None = None
        self._targets: tuple[str, ...] = ()
        self._made: list[Made] = []
        self._writing = False

    def compose_content(self) -> ComposeResult:
        """Targets and folder at the left, what was made at the right."""
        yield Say("export_step.none", id="none", classes="muted")
        with Horizontal(id="export"):
            with Vertical(id="wanted"):
                yield Say("export_step.what", classes="strong")
                yield Answers("targets", "target", (), several=True, ranked=False, id="targets")
                yield Plain(id="hint", classes="muted")
                yield Say("export_step.where", classes="strong")
                yield PathInput("out")
            with VerticalScroll(id="made", classes="panel"):
                yield Hanging(id="list")

    def load(self, wizard: Wizard) -> None:
        """What can be made of the run of these answers."""
        self.query_one("#none").display = wizard.run_id is None
        self.query_one("#export").display = wizard.run_id is not None
        self.query_one("#made").border_title = Content(self.say("export_step.made"))
        if wizard.run_id != self._run_id:
            self._run_id, self._made = wizard.run_id, []
            self.query_one("#out", Input).value = str(_folder(wizard.run_id)) if wizard.run_id else ""
        if wizard.run_id is not None:
            self._offer(wizard.run_id, self.tuner.lang)
        self._draw()

    @work(thread=True, exclusive=True, group="offer", exit_on_error=False)
    def _offer(self, run_id: str, lang: str) -> None:
        targets: tuple[str, ...] = ()
        error = ""
        try:
            targets = self.tuner.outside.export_targets(run_id)
        except InputError as wrong:
            error = wrong.text(lang)
        except (Unavailable, OSError) as wrong:
            error = str(wrong)
        self.post_message(self.Offered(run_id, targets, error))

    @on(Offered)
    def _offered(self, event: Offered) -> None:
        if event.run_id != self._run_id:
            return
        self.notice(clean(event.error, 400), "bad" if event.error else "")
        if event.targets != self._targets:
            self._targets = event.targets
            first = tuple(target for target in FIRST if target in event.targets and target != "merged")
            chosen = first if "adapter" in event.targets else tuple(t for t in FIRST if t in event.targets)
            self.query_one(Answers).ask("targets", "target", event.targets, True, chosen)

    # -- writing -----------------------------------------------------------------------------------------------

    def action_write(self) -> None:
        """Make what was chosen, one after the other."""
        chosen = self.query_one(Answers).chosen
        if self._run_id is None or self._writing:
            return
        if not chosen:
            self.tell("export_step.choose", "warn")
            return
        out = self.query_one("#out", Input).value.strip() or str(_folder(self._run_id))
        self._writing, self._made = True, []
        self._draw()
        self._write(self._run_id, chosen, Path(out).expanduser())

    @work(exclusive=True, group="write", exit_on_error=False)
    async def _write(self, run_id: str, targets: tuple[str, ...], out: Path) -> None:
        for at, target in enumerate(targets, 1):
            self.tell("export_step.writing", target=target, at=at, of=len(targets))
            command, environment = self.tuner.outside.export_command(run_id, target, out, self.tuner.lang)
            self.post_message(self.Exported(await made_by(command, environment, target), len(targets) - at))

    @on(Exported)
    def _exported(self, event: Exported) -> None:
        self._made.append(event.made)
        if not event.left:
            self._writing = False
            good = all(made.code == 0 for made in self._made)
            self.tell("export_step.done" if good else "export_step.not_all", "good" if good else "bad")
            self.query_one(Go).focus()
        self._draw()

    @property
    def _finished(self) -> bool:
        return bool(self._made) and not self._writing and all(made.code == 0 for made in self._made)

    def _draw(self) -> None:
        if not self.lacks_run:
            self.query_one(Go).tell("go.home" if self._finished else self.GO)
        rows = [row for made in self._made for row in (*self._one(made), BLANK)]
        self.query_one("#list", Hanging).show(rows or [_row("", self.say("export_step.nothing"), "$text-muted")])

    def _one(self, made: Made) -> list[Row]:
        good = made.code == 0
        word = self.say("export_step.good" if good else "export_step.bad")
        style = "$success" if good else "bold $error"
        rows = [(Content.styled(f"{self._named(made.target)}  ", "bold"), Content.styled(word, style))]
        out = clean(made.document.get("out", ""), 300) + "/"
        for file in _items(made.document.get("files")):
            size = file.get("bytes")
            said = f"  {size:,} B" if isinstance(size, int) else ""
            path = clean(file.get("path", "?"), 300)
            rows.append(_row("  ", f"{path.removeprefix(out)}{said}", "$text-muted"))
        for check in _items(made.document.get("checks")):
            passed = check.get("passed") is True
            mark = self.say("results.passed" if passed else "results.failed")
            label = Content.styled(f"  {mark}  ", "$success" if passed else "bold $error")
            rows.append((label, Content(clean(check.get("text", "?"), 400))))
        notes = made.document.get("notes")
        for note in notes if isinstance(notes, list) else []:
            rows.append(_row("  ", clean(note, 400), "$text-muted"))
        if not good and made.words:
            rows.append(_row("  ", made.words, "$error"))
        return rows

    def _named(self, target: str) -> str:
        answers = self.query_one(Answers)
        key = f"target.{target}"
        return self.say(key) if answers.knows(key) else target

    # -- keys --------------------------------------------------------------------------------------------------

    @on(Answers.Changed)
    def _changed(self, event: Answers.Changed) -> None:
        self.query_one(Answers).show(event.chosen)
        if self._finished:
            self._made = []
            self._draw()

    @on(OptionList.OptionHighlighted, "Answers")
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        answers = self.query_one(Answers)
        key = f"target.{answers.values[event.option_index]}.hint" if answers.values else ""
        self.query_one("#hint", Plain).show(self.say(key) if key and answers.knows(key) else "")

    @on(Answers.Accepted)
    def _accepted(self) -> None:
        self.query_one("#out").focus()

    @on(Input.Submitted, "#out")
    def _folder_given(self) -> None:
        self.query_one(Go).focus()

    def action_advance(self) -> None:
        """Write; when that is done, home."""
        if self.lacks_run:
            super().action_advance()
        elif self._finished:
            self.tuner.go_home()
        else:
            self.action_write()


async def made_by(command: list[str], environment: dict[str, str], target: str) -> Made:
    """Run one export process to its end; what it prints is foreign and cleaned."""
    pipe = asyncio.subprocess.PIPE
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env=environment,
        )
    except OSError as error:
        return Made(target, 1, {}, clean(error, 300))
    try:
        out, err = await child.communicate()
    except asyncio.CancelledError:
        await _end(child)
        raise
    try:
        document = msgspec.json.decode(out[:MAX_OUTPUT])
    except msgspec.DecodeError:
        document = {}
    lines = [line for line in err[-4000:].decode(errors="replace").splitlines() if line.strip()]
    words = clean(lines[-1], 600) if lines else ""
    return Made(target, child.returncode or 0, document if isinstance(document, dict) else {}, words)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Interrupted, it removes what it had begun; what does not listen is ended."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(child.communicate(), ENDING_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.communicate()


def _row(label: str, text: str, style: str) -> Row:
    return Content(label), Content.styled(text, style)


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _folder(run_id: str) -> Path:
    """A folder for this run's exports that is not there yet, below where the person stands."""
    base = Path.cwd() / "exports"
    names = (run_id, *(f"{run_id}-{n}" for n in range(2, 1000)))
    return next(base / name for name in names if not (base / name).exists())
