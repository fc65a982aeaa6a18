"""What the device has room for: rows at once, activations kept or computed again, and the optimizer's states."""

from __future__ import annotations

from advisor.methods import Objective, Technique
from advisor.setting import PREFERENCE, SMALL_B, Setting

PLAIN_ROWS = 4


def micro_batch(here: Setting, objective: Objective, batch: int, length: int) -> tuple[int, bool]:
    """Rows at once on the device, and whether activations are computed twice to save memory."""
    free = _free(here)
    if free is not None and here.params_b is not None:
        return _by_memory(here, objective, batch, length, free)
    small = here.params_b is not None and here.params_b < SMALL_B
    checkpointing = here.gpu and here.large and here.technique is not Technique.PREFIX
    if checkpointing:
        here.because("train.grad_ckpt", "grad_ckpt")
    at_once = 16384 if small else 8192 if not here.large else 4096
    if not here.gpu and not small:
        at_once = 2048
    per_row = length * (2 if objective in PREFERENCE else 1)
    micro = 1 << max((at_once // per_row).bit_length() - 1, 0) if at_once >= per_row else 1
    micro = max(min(micro, batch), _least_at_once(objective))
    here.because("train.micro_batch", "micro", micro=micro, tokens=at_once)
    return micro, checkpointing


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


def _by_memory(here: Setting, objective: Objective, batch: int, length: int, room: float) -> tuple[int, bool]:
    """The most rows whose high memory estimate fits; checkpointing only where fewer than PLAIN_ROWS fit without it."""
    from advisor.memory.peak import memory
    from advisor.memory.quick import nominal
    from advisor.memory.spec import ours

    shape = nominal(max(here.params_b or 0.0, 1e-4))

    def most(checkpointing: bool) -> int:
        for rows in (batch >> shift for shift in range(batch.bit_length())):
            spec = ours(
                here.technique,
                shape,
                objective=objective,
                micro_batch=rows,
                seq_len=length,
                grad_ckpt=checkpointing,
            )
            if memory(spec)[1].high <= room:
                return rows
        return 0

    least = _least_at_once(objective)
    plain = most(checkpointing=False)
    if plain >= min(PLAIN_ROWS, batch) or here.technique is Technique.PREFIX:
        here.because("train.micro_batch", "micro_fits", micro=max(plain, least), room=f"{room:.1f}")
        return max(plain, least), False
    saved = most(checkpointing=True)
    here.because("train.grad_ckpt", "grad_ckpt_needed", plain=plain, room=f"{room:.1f}")
    here.because(
        "train.micro_batch", "micro_fits" if saved else "micro_tight", micro=max(saved, least), room=f"{room:.1f}"
    )
    return max(saved, least), True


def optimizer(here: Setting) -> str:
    """8-bit states where they are what fills the device, else the fused AdamW."""
    if here.gpu and here.technique is Technique.FULL and here.large:
        here.because("train.optimizer", "optimizer_8bit")
        return "adamw_8bit"
    if here.gpu and here.technique is Technique.QLORA and here.large:
        here.because("train.optimizer", "optimizer_paged")
        return "paged_adamw_8bit"
    here.because("train.optimizer", "optimizer")
    return "adamw_torch_fused"
