"""A run whose loss is not finite, or is exactly zero, learns nothing however long it goes on."""

from __future__ import annotations

from advisor.coach.rule import STOP, Evidence, watches
from advisor.coach.telemetry import Telemetry

HF_FILTER = (
    "transformers, Trainer logs 0.0 for a loss that is NaN unless logging_nan_inf_filter is off (#13619)",
    None,
)
ZERO_LOSS = ("TRL issue 6668: a run whose labels are all masked logs loss 0 and ends as completed", None)
DROP = 0.01
ZEROS = 3


@watches("COA001", sources=(HF_FILTER,), action=STOP)
def loss_not_finite(t: Telemetry) -> Evidence | None:
    """A loss or gradient that is NaN or infinite, after steps that were fine."""
    if labels_all_masked.check(t):
        return None
    for name, points in (("loss", t.losses), ("grad_norm", t.grad_norms)):
        step = next((step for step, value in points if value is None), None)
        if step is not None:
            return {"step": int(step), "name": name}
    # The trainer looks before each step, so that the number itself never reaches the log.
    return {"step": t.step + 1, "name": "loss/grad_norm"} if t.exit_reason == "diverged" else None


@watches("COA002", sources=(HF_FILTER,), figures={"drop": DROP, "zeros": ZEROS}, action=STOP)
def loss_fell_to_exact_zero(t: Telemetry) -> Evidence | None:
    """A loss that was clearly above zero is exactly 0.0 from one step to the next: a hidden NaN."""
    found = [] if t.online else [(step, value) for step, value in t.losses if value is not None]
    for at in range(1, len(found) - ZEROS + 1):
        before = found[at - 1][1]
        if before > DROP and all(value == 0.0 for _, value in found[at : at + ZEROS]):
            return {"step": int(found[at][0]), "before": round(before, 4)}
    return None


@watches("COA003", sources=(ZERO_LOSS,), figures={"zeros": ZEROS}, action=STOP)
def labels_all_masked(t: Telemetry) -> Evidence | None:
    """From the first step on the loss was never a positive number: no token is learned from."""
    if t.online or any(value for _, value in t.losses):
        return None
    # A loss of no token at all is 0/0, a mean of nothing 0: either may be logged.
    gradients = any(value for _, value in t.grad_norms)
    enough = len(t.losses) >= ZEROS or (t.losses and t.losses[0][1] is None and not gradients)
    return {"steps": len(t.losses)} if enough and not gradients else None
