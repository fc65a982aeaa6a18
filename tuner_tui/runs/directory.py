"""Everything one run wrote lies in one folder that only its owner can read, and its records change atomically."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe, encode_recipe
from tuner_tui import __version__, paths
from tuner_tui.foreign import json_in
from tuner_tui.runs.identity import Identity

MAX_INFO_BYTES = 1 << 20


class Rehearse(StrEnum):
    """What a run does before its first step with the longest rows.

    `first` refuses what does not fit, `fit` takes the smallest change that does, `skip` measures nothing, `only` ends
    when all is measured.
    """

    FIRST = "first"
    FIT = "fit"
    SKIP = "skip"
    ONLY = "only"


class RunInfo(msgspec.Struct, frozen=True, kw_only=True):
    """`run.json`: what is known about a run besides its recipe. Times in unix seconds.

    `events_from` is the size of the event log when the process was launched: exit events before it belong to
    an earlier attempt. `data_bytes` are the sizes of the data files when the run was created.
    """

    id: str
    created: float
    label: str | None = None
    name: str | None = None
    pid: int | None = None
    process_start: float | None = None
    boot_id: str | None = None
    host: str | None = None
    launched: float | None = None
    attempt: int = 0
    events_from: int = 0
    data_bytes: dict[str, int] = {}
    command: list[str] = []
    versions: dict[str, str] = {}
    recipe_sha256: str | None = None
    rehearse: Rehearse = Rehearse.FIRST

    @property
    def identity(self) -> Identity | None:
        """The process of the latest attempt; None before the first."""
        if self.pid is None or self.process_start is None:
            return None
        return Identity(pid=self.pid, start=self.process_start, boot_id=self.boot_id, host=self.host)


class RunDir(msgspec.Struct, frozen=True):
    """The folder of one run; reading it never creates anything."""

    path: Path

    @property
    def id(self) -> str:
        """The run's id: the folder's name."""
        return self.path.name

    @property
    def recipe_path(self) -> Path:
        """The exact recipe of the run."""
        return self.path / "recipe.yaml"

    @property
    def original_path(self) -> Path:
        """The recipe as it was when the run was created, to tell what was changed since."""
        return self.path / ".recipe.yaml"

    @property
    def info_path(self) -> Path:
        """`run.json`."""
        return self.path / "run.json"

    @property
    def events_path(self) -> Path:
        """The event log."""
        return self.path / "events.jsonl"

    @property
    def log_path(self) -> Path:
        """What the training process printed."""
        return self.path / "output.log"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        """The trained adapter (LoRA, QLoRA, prefix, prompt)."""
        return self.path / "adapter"

    @property
    def model(self) -> Path:
        """The trained model (full)."""
        return self.path / "model"

    @property
    def answers_path(self) -> Path:
        """Every held-out question with its answers and scores, one a line."""
        return self.path / "answers.jsonl"

    @property
    def report_path(self) -> Path:
        """The checked claim: `report.json`."""
        return self.path / "report.json"

    @property
    def stop_path(self) -> Path:
        """Exists when someone asked the run to stop; the child looks each step."""
        return self.path / "stop"

    @property
    def lock_path(self) -> Path:
        """Held while a process is being launched or recorded."""
        return self.path / ".lock"

    def info(self) -> RunInfo | None:
        """`run.json` decoded; None when it is missing or unreadable."""
        raw = _small_json(self.info_path)
        try:
            return msgspec.convert(raw, RunInfo) if raw is not None else None
        except msgspec.ValidationError:
            return None

    def write_info(self, info: RunInfo) -> None:
        """Replace `run.json` in one step."""
        write_atomic(self.info_path, msgspec.json.format(msgspec.json.encode(info)) + b"\n")

    def report(self) -> dict[str, Any] | None:
        """`report.json` as plain data; None when there is none to read."""
        raw = _small_json(self.report_path, limit=1 << 26)
        return raw if isinstance(raw, dict) else None


def create_run(
    recipe: Recipe,
    source_text: str | None = None,
    *,
    root: Path | None = None,
    rehearse: Rehearse = Rehearse.FIRST,
) -> RunDir:
    """A new run folder with its recipe and record, state queued. `source_text` is written as it is when given.

    `root` is the folder of runs, or another one for runs that are not to be listed.
    """
    root = root or paths.runs()
    created = time.time()
    run = _new_folder(root, recipe, created)
    text = (source_text if source_text is not None else encode_recipe(recipe)).encode()
    write_atomic(run.original_path, text)
    write_atomic(run.recipe_path, text)
    run.write_info(new_record(run, recipe, created, rehearse))
    return run


def new_record(run: RunDir, recipe: Recipe, created: float, rehearse: Rehearse = Rehearse.FIRST) -> RunInfo:
    """The record of a run that nobody has started, `created` at so many unix seconds."""
    return RunInfo(
        id=run.id,
        created=created,
        label=recipe.label,
        name=recipe.name,
        versions={"tuner": __version__, "python": sys.version.split()[0]},
        recipe_sha256=hashlib.sha256(run.recipe_path.read_bytes()).hexdigest(),
        data_bytes=_sizes(recipe),
        rehearse=rehearse,
    )


def _sizes(recipe: Recipe) -> dict[str, int]:
    """How large the recipe's data files are; what is no file is left out."""
    files = (Path(path) for path in (recipe.data.train, recipe.data.eval) if path)
    return {str(path): path.stat().st_size for path in files if path.is_file()}


def _new_folder(root: Path, recipe: Recipe, created: float) -> RunDir:
    stamp = time.strftime("%Y%m%d-%H%M", time.localtime(created))
    while True:
        path = root / f"{stamp}-{_slug(recipe)}-{secrets.token_hex(2)}"
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
        except OSError as error:
            if isinstance(error, FileExistsError) and root.is_dir():
                continue
            raise InputError("runs.home", path=str(root), detail=error.strerror or str(error)) from None
        return RunDir(path)


def _slug(recipe: Recipe) -> str:
    """Letters that are safe in every file system and shell: the recipe's name, else its label."""
    named = recipe.name if recipe.name != "run" else recipe.label.partition("/")[2] or recipe.label
    return re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")[:32].strip("-") or "run"


def list_runs() -> list[RunDir]:
    """All runs, the newest first; folders that hold no run are passed over."""
    found = [run for run in run_folders() if run.info_path.exists() or run.recipe_path.exists()]
    return sorted(found, key=_created, reverse=True)


def run_folders() -> list[RunDir]:
    """The folders where runs are kept, in no order, nothing read of them."""
    try:
        with os.scandir(paths.runs()) as entries:
            return [RunDir(Path(entry.path)) for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _created(run: RunDir) -> tuple[float, str]:
    info = run.info()
    return (info.created if info else 0.0, run.id)


def find_run(wanted: str) -> RunDir:
    """The run named by an id, the unique beginning of one, `last`, or a path; InputError says what there is."""
    if not wanted:
        raise InputError("runs.unknown", run=wanted)
    path = Path(wanted).expanduser()
    if os.sep in wanted or path.is_absolute():
        if not (path / "recipe.yaml").exists():
            raise InputError("runs.not_a_run", path=wanted)
        return RunDir(path.resolve())
    return _find_by_name(wanted)


def _find_by_name(wanted: str) -> RunDir:
    known = list_runs()
    if wanted == "last" and known:
        return known[0]
    matches = [run for run in known if run.id == wanted] or [run for run in known if run.id.startswith(wanted)]
    if len(matches) > 1:
        raise InputError("runs.ambiguous", run=wanted, runs=", ".join(run.id for run in matches[:8]))
    if not matches:
        here = Path(wanted)
        if (here / "recipe.yaml").exists():
            return RunDir(here.resolve())
        raise InputError("runs.unknown", run=wanted)
    return matches[0]


def refuse_foreign(run: RunDir) -> None:
    """InputError when the run belongs to another user: it may be read, not controlled."""
    owner = run.path.stat().st_uid
    if os.geteuid() not in (owner, 0):
        raise InputError("runs.not_ours", run=run.id, owner=owner)


@contextmanager
def locked(run: RunDir) -> Iterator[None]:
    """Hold the run's lock, so that nobody else launches it meanwhile; waits for the other holder.

    InputError where the run's folder cannot be written.
    """
    import fcntl

    try:
        fd = os.open(run.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise InputError("runs.unwritable", path=str(run.path), detail=error.strerror or str(error)) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all: beside it, flushed, renamed into place. Mode 0600."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _small_json(path: Path, limit: int = MAX_INFO_BYTES) -> Any:
    try:
        return json_in(path, limit)
    except InputError:
        return None
