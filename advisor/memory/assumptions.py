"""What an estimate takes for granted, in sentences: nothing is assumed in silence."""

from __future__ import annotations

from advisor.memory.spec import Spec
from advisor.methods import Objective, Technique
from advisor.words import words

CONTEXT_GB = 0.5
_REFERENCE = frozenset({Objective.DPO, Objective.KTO, Objective.GRPO, Objective.RLHF_PPO})


def assumptions(spec: Spec, lang: str, *, gpu: bool = True) -> tuple[str, ...]:
    """The sentences in one language, the most general last."""
    say = words(lang).say
    kinds = [text.partition(":")[::2] for text in spec.assumed]
    silent = [rest for kind, rest in kinds if kind == "default" and _matters(rest, spec)]
    found = [say("memory.assume.default", values=", ".join(silent))] if silent else []
    for kind, rest in kinds:
        name, _, of = rest.partition(":")
        found += [say(f"memory.assume.{kind}", name=name, type=of)] if kind != "default" else []
    if spec.technique is Technique.PREFIX:
        found.append(say("memory.assume.prefix"))
    if spec.full and spec.objective in _REFERENCE:
        found.append(say("memory.assume.reference"))
    if "paged" in spec.optimizer:
        found.append(say("memory.assume.paged"))
    if spec.inputs_kept and not spec.grad_ckpt:
        found.append(say("memory.assume.inputs"))
    if spec.fused_qkv and not spec.grad_ckpt:
        found.append(say("memory.assume.fused"))
    if spec.prepared:
        found.append(say("memory.assume.prepared"))
    if spec.put_back:
        found.append(say("memory.assume.put_back"))
    found.append(say("memory.assume.longest", tokens=spec.seq_len))
    if gpu:
        found.append(say("memory.assume.context", gib=CONTEXT_GB))
    return tuple(found)


def _matters(default: str, spec: Spec) -> bool:
    """Whether a default touches this technique: full tuning has no rank."""
    return not (spec.full and default.startswith("rank="))
