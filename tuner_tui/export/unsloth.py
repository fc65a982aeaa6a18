"""The stand-alone script with Unsloth's model: the same rows, split and numbers. Only a GPU can run it."""

from __future__ import annotations

from advisor.methods import Objective
from tuner_tui.export.concrete import unexpressed
from tuner_tui.export.numbers import SAID as NUMBERS
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.script_text import script

PIECES = {
    **dict.fromkeys(
        (Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL),
        ("unsloth_model", "rows", "pairs", "split", "speak", "config", "order", "speed", "sft", "main"),
    ),
    Objective.DPO: ("unsloth_model", "rows", "preferences", "split", "speak", "config", "compared", "dpo", "main"),
    Objective.ORPO: ("unsloth_model", "rows", "preferences", "split", "speak", "config", "compared", "orpo", "main"),
}
SAID = (
    *NUMBERS,
    *("model.id", "model.revision", "model.trust_remote_code", "train.max_length", "train.packing", "train.grad_ckpt"),
    *("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.dora", "adapter.rslora"),
    *("train.beta", "train.threads", "train.batching", "train.liger", "train.patience"),
)


def export(task: Task) -> Outcome:
    """Write `train_unsloth.py`; here it can only be compiled."""
    text = script(task, PIECES[task.source.one_stage(PIECES)])
    task.place.write("train_unsloth.py", text)
    try:
        compile(text, "train_unsloth.py", "exec")
        check = task.check("compiles", True, detail="")
    except SyntaxError as error:
        check = task.check("compiles", False, detail=str(error)[:200])
    return Outcome(checks=[check], notes=[task.say("note.unsloth")], unexpressed=unexpressed(task, "unsloth", SAID))
