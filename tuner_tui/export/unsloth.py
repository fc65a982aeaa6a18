"""The stand-alone script with Unsloth's model: the same rows, split and numbers. Only a GPU can run it."""

from __future__ import annotations

from advisor.methods import Objective
from tuner_tui.export.concrete import unexpressed
from tuner_tui.export.numbers import SAID as NUMBERS
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.rows import as_learned
from tuner_tui.export.script_text import script
from tuner_tui.export.trl_script import PIECES as SCRIPTS

PIECES: dict[Objective, tuple[str, ...]] = {
    objective: tuple("unsloth_model" if name == "model" else name for name in pieces)
    for objective, pieces in SCRIPTS.items()
    if objective is not Objective.RLHF_PPO  # its reward model is none that Unsloth loads
}
SAID = (
    *NUMBERS,
    *("model.id", "model.revision", "model.trust_remote_code", "train.max_length", "train.packing", "train.grad_ckpt"),
    *("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.dora", "adapter.rslora"),
    *("train.beta", "train.threads", "train.batching", "train.liger", "train.patience"),
    "train.generations",
)


def export(task: Task) -> Outcome:
    """Write `train_unsloth.py`; here it can only be compiled."""
    pieces = PIECES[task.source.one_stage(PIECES)]
    known, beside = as_learned(task, "")
    text = script(known, pieces, bundled=beside)
    task.place.write("train_unsloth.py", text)
    try:
        compile(text, "train_unsloth.py", "exec")
        check = task.check("compiles", True, detail="")
    except SyntaxError as error:
        check = task.check("compiles", False, detail=str(error)[:200])
    return Outcome(checks=[check], notes=[task.say("note.unsloth")], unexpressed=unexpressed(task, "unsloth", SAID))
