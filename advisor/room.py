"""What the device has room for: rows at once, activations kept or computed again, and the optimizer's states."""

from __future__ import annotations

import msgspec

from advisor.methods import Objective, Technique
from advisor.setting import PREFERENCE, SMALL_B, Setting

PLAIN_ROWS = 4
FUSED, EIGHT_BIT, PAGED = "adamw_torch_fused", "adamw_8bit", "paged_adamw_8bit"


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """Rows at once, whether activations are computed twice to save memory, and the optimizer."""

    rows: int
    grad_ckpt: bool = False
    optimizer: str = FUSED


def room(here: Setting, objective: Objective, batch: int, length: int, rank: int) -> Room:
    """What one pass holds. `batch` = rows an optimizer step, `length` = tokens of the longest row."""
    free = _free(here)
    if free is None or here.params_b is None:
        return _by_size(here, objective, batch, length)
    found, plain = _by_memory(here, objective, batch, length, rank, free)
    least, shown = _least_at_once(objective), f"{free:.1f}"
    here.because(
        "train.micro_batch", "micro_fits" if found.rows else "micro_tight", micro=max(found.rows, least), room=shown
    )
    if found.grad_ckpt:
        here.because("train.grad_ckpt", "grad_ckpt_needed", plain=plain, room=shown)
    elif here.technique is not Technique.PREFIX:
        here.because("train.grad_ckpt", "grad_ckpt_off", rows=found.rows, room=shown)
    _say_optimizer(here, found.optimizer, plain, shown)
    return msgspec.structs.replace(found, rows=max(found.rows, least))


def _by_memory(
    here: Setting, objective: Objective, batch: int, length: int, rank: int, free: float
) -> tuple[Room, int]:
    """The first way of those that cost least by whose high memory estimate PLAIN_ROWS fit into `free` GiB, else that
    with the most rows; and the rows that would fit with nothing saved.
    """
    full, ways = here.technique is Technique.FULL, []
    for twice in (False, True) if here.technique is not Technique.PREFIX else (False,):
        for optimizer in (FUSED, EIGHT_BIT) if full else (FUSED,):
            rows = _most(here, objective, batch, length, rank, free, twice, optimizer)
            ways.append(Room(rows=rows, grad_ckpt=twice, optimizer=optimizer))
            if rows >= min(PLAIN_ROWS, batch):
                return ways[-1], ways[0].rows
    best = max(ways, key=lambda way: way.rows) if any(way.rows for way in ways) else ways[-1]
    if here.technique is Technique.QLORA:
        best = msgspec.structs.replace(best, optimizer=PAGED)
    elif full and not best.rows:
        best = Room(
            rows=_most(here, objective, batch, length, rank, free, True, PAGED), grad_ckpt=True, optimizer=PAGED
        )
    return best, ways[0].rows


def _most(
    here: Setting, objective: Objective, batch: int, length: int, rank: int, free: float, twice: bool, optimizer: str
) -> int:
    """The most rows, in halves of the batch, whose high estimate fits; 0 = not even one."""
    from advisor.memory.peak import memory
    from advisor.memory.quick import nominal
    from advisor.memory.spec import ours

    shape = nominal(max(here.params_b or 0.0, 1e-4))
    for rows in (batch >> shift for shift in range(batch.bit_length())):
        spec = ours(
            here.technique,
            shape,
            objective=objective,
            micro_batch=rows,
            seq_len=length,
            grad_ckpt=twice,
            optimizer=optimizer,
            rank=rank,
        )
        if memory(spec)[1].high <= free:
            return rows
    return 0


def _by_size(here: Setting, objective: Objective, batch: int, length: int) -> Room:
    """Without a GPU, or with one of unknown memory: by the model's size alone."""
    small = here.params_b is not None and here.params_b < SMALL_B
    twice = here.gpu and here.large and here.technique is not Technique.PREFIX
    if twice:
        here.because("train.grad_ckpt", "grad_ckpt")
    at_once = 16384 if small else 8192 if not here.large else 4096
    if not here.gpu and not small:
        at_once = 2048
    per_row = length * (2 if objective in PREFERENCE else 1)
    rows = 1 << max((at_once // per_row).bit_length() - 1, 0) if at_once >= per_row else 1
    rows = max(min(rows, batch), _least_at_once(objective))
    here.because("train.micro_batch", "micro", micro=rows, tokens=at_once)
    optimizer = FUSED
    if here.gpu and here.large:
        optimizer = {Technique.FULL: EIGHT_BIT, Technique.QLORA: PAGED}.get(here.technique, FUSED)
    _say_optimizer(here, optimizer, None, None)
    return Room(rows=rows, grad_ckpt=twice, optimizer=optimizer)


def _say_optimizer(here: Setting, optimizer: str, plain: int | None, room: str | None) -> None:
    """Why it: nothing to save, room enough, or how little would fit with states in full (`plain` rows)."""
    reason = {FUSED: "optimizer", EIGHT_BIT: "optimizer_8bit", PAGED: "optimizer_paged"}[optimizer]
    if here.technique is Technique.FULL:
        reason += "_full" if optimizer == FUSED and room is None else "_room" if room is not None else ""
    here.because("train.optimizer", reason, plain=plain, room=room)


def _least_at_once(objective: Objective) -> int:
    """KTO compares the rows of one pass with each other."""
    return 2 if objective is Objective.KTO else 1


def _free(here: Setting) -> float | None:
    """GiB that a process can have of the first GPU; None without a GPU or when its memory is not known."""
    from advisor.memory.fitting import usable

    gpus = here.facts.hardware.gpus
    if not gpus or (gpus[0].vram_gb is None and gpus[0].free_gb is None):
        return None
    first = gpus[0]
    return usable(first.vram_gb or first.free_gb or 0.0, first.free_gb)
