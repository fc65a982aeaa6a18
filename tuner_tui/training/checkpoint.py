"""A checkpoint is complete or invisible: written aside, hashed, flushed, renamed; a damaged one is never chosen."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path

import msgspec

from advisor.errors import InputError
from tuner_tui import trust
from tuner_tui.runs.directory import write_atomic
from tuner_tui.training import origin
from tuner_tui.training.job import Job

PARTIAL = ".partial"
MANIFEST = "manifest.json"
DAMAGED = "damaged"


class Part(msgspec.Struct, frozen=True):
    """One file of a checkpoint."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a complete checkpoint holds and what it was made from; `eval_loss` ranks it, None = not measured.

    `seal` tells that it was written under this TUNER_HOME; it covers everything else here, so every file by its hash.
    """

    step: int
    files: dict[str, Part]
    recipe_sha256: str
    data_sha256: str
    threads: int
    eval_loss: float | None = None
    seal: str | None = None

    def unsealed(self) -> bytes:
        """What the seal is made of."""
        return msgspec.json.encode(msgspec.structs.replace(self, seal=None))


def seal(checkpoints: Path, step: int, **made_from: object) -> Path:
    """Turn `.partial/checkpoint-STEP` into `checkpoint-STEP`, manifest added, everything on the disk first.

    A whole checkpoint of that step is never replaced: it holds the same, and there is no moment without it.
    """
    written = checkpoints / PARTIAL / f"checkpoint-{step}"
    (written / "training_args.bin").unlink(missing_ok=True)  # a pickle that nobody reads
    files = {}
    for path in sorted(each for each in written.rglob("*") if each.is_file()):
        files[path.relative_to(written).as_posix()] = Part(path.stat().st_size, file_hash(path, flush=True))
    manifest = msgspec.convert({"step": step, "files": files, **made_from}, Manifest)
    manifest = msgspec.structs.replace(manifest, seal=trust.seal(manifest.unsealed()))
    write_atomic(written / MANIFEST, msgspec.json.encode(manifest))
    flush_folder(written)
    final = checkpoints / written.name
    if manifest_of(final) is not None:
        shutil.rmtree(written)
        return final
    put_aside(final)
    written.rename(final)
    flush_folder(checkpoints)
    return final


def file_hash(path: Path, *, flush: bool = False) -> str:
    """SHA-256 of a file's bytes, the file flushed to the disk on the way if asked."""
    with path.open("rb") as file:
        if flush:
            os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def manifest_of(checkpoint: Path) -> Manifest | None:
    """The manifest of a checkpoint whose files are all there, whole and unchanged; None for any other folder."""
    try:
        manifest = msgspec.json.decode((checkpoint / MANIFEST).read_bytes(), type=Manifest)
        for name, part in manifest.files.items():
            path = checkpoint / name
            if path.stat().st_size != part.size or file_hash(path) != part.sha256:
                return None
    except (OSError, msgspec.MsgspecError):
        return None
    return manifest


def candidates(checkpoints: Path) -> list[Path]:
    """Checkpoint folders, the newest step first, whatever their state."""
    found = [path for path in checkpoints.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)


def newest_valid(checkpoints: Path) -> tuple[Path | None, Manifest | None, list[Path]]:
    """The newest checkpoint that is whole, with its manifest, and the newer ones that were passed over."""
    skipped: list[Path] = []
    for path in candidates(checkpoints):
        manifest = manifest_of(path)
        if manifest is not None:
            return path, manifest, skipped
        skipped.append(path)
    return None, None, skipped


def rotate(checkpoints: Path, keep: int) -> None:
    """Delete old checkpoints: the newest `keep` whole ones stay, and always the one with the lowest evaluation loss.

    What is damaged counts for nothing: it never takes the place of a good one.
    """
    found = [(path, _quick(path)) for path in candidates(checkpoints)]
    whole = [(path, manifest) for path, manifest in found if manifest is not None]
    measured = [(manifest.eval_loss, path) for path, manifest in whole if manifest.eval_loss is not None]
    best = min(measured, default=(None, None))[1]
    kept = {best, *(path for path, _ in whole[:keep])}
    if not whole:
        return
    for path in [*(path for path, _ in found if path not in kept), *checkpoints.glob(f"{DAMAGED}-*")]:
        remove(path)


def remove(path: Path) -> None:
    """Delete a checkpoint, or whatever else has taken its name: a file, or a link, whose goal is not touched."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path)


def _quick(checkpoint: Path) -> Manifest | None:
    """The manifest of a checkpoint whose files are all there in their sizes; the hashes are not looked at."""
    try:
        manifest = msgspec.json.decode((checkpoint / MANIFEST).read_bytes(), type=Manifest)
        same = all((checkpoint / name).stat().st_size == part.size for name, part in manifest.files.items())
    except (OSError, msgspec.MsgspecError):
        return None
    return manifest if same else None


def put_aside(checkpoint: Path) -> None:
    """Take a damaged checkpoint out of the way; it goes for good once a whole one is written after it."""
    aside = checkpoint.with_name(f"{DAMAGED}-{checkpoint.name.rpartition('-')[2]}")
    if os.path.lexists(checkpoint) and os.path.lexists(aside):
        remove(aside)
    with contextlib.suppress(FileNotFoundError):
        checkpoint.rename(aside)


def starting_point(job: Job, made_from: dict[str, object]) -> Path | None:
    """The checkpoint to go on from, None to begin anew; InputError when what it was made from changed since."""
    begun = job.run.path / origin.FILE
    if not job.resume or not begun.exists():
        write_atomic(begun, msgspec.json.encode(made_from))
    if not job.resume:
        return None
    path, manifest, skipped = newest_valid(job.run.checkpoints)
    for damaged in skipped:
        job.warn("checkpoint_damaged", path=damaged.name)
        put_aside(damaged)
    origin.refuse_changed(
        job, msgspec.structs.asdict(manifest) if manifest else {}, origin.read_origin(begun), made_from
    )
    if manifest is None:
        if skipped:
            job.warn("begins_again")
        return None
    if path is not None:
        refuse_others(path, manifest)
    if manifest.threads != made_from["threads"]:
        job.warn("threads_changed", before=manifest.threads, now=made_from["threads"])
    return path


def refuse_others(checkpoint: Path, manifest: Manifest) -> None:
    """InputError when a checkpoint may be somebody else's: optimizer and random states are pickles.

    It is when a file belongs to another user, or when it was not sealed here: copied, unpacked or put there.
    """
    for part in (checkpoint, *checkpoint.rglob("*")):
        owner = part.lstat().st_uid
        if owner != os.geteuid():
            raise InputError("training.others_checkpoint", path=part, owner=owner)
    if not trust.sealed(manifest.unsealed(), manifest.seal):
        raise InputError("training.foreign_checkpoint", path=checkpoint, key=trust.key_path())


def threads_of(checkpoints: Path) -> int | None:
    """The thread count of the newest whole checkpoint: another count rounds differently."""
    manifest = newest_valid(checkpoints)[1]
    return manifest.threads if manifest else None


def clear_partial(checkpoints: Path) -> None:
    """Remove what an interrupted write left."""
    shutil.rmtree(checkpoints / PARTIAL, ignore_errors=True)
