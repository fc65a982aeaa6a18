"""Distillation: a stronger model answers the prompts once, the answers are kept, and the small model learns them.

Hinton et al. 2015 in its sequence-level form (Kim & Rush 2016): supervised tuning on the teacher's answers. Rows that
have an answer keep it; without a teacher every row must have one.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import ModelSpec, TeacherSpec
from tuner_tui.evaluation.endpoint import Endpoint
from tuner_tui.evaluation.example import Example, Message, for_model
from tuner_tui.evaluation.generate import answers
from tuner_tui.runs.directory import write_atomic
from tuner_tui.training import sft
from tuner_tui.training.data import Split
from tuner_tui.training.formats import questions
from tuner_tui.training.job import Job
from tuner_tui.training.model import from_hub, load_tokenizer

read = questions
trainer = sft.trainer


class Kept(msgspec.Struct, frozen=True):
    """One answer of a local teacher, by what it depends on."""

    key: str
    answer: str


def teach(job: Job, split: Split) -> Split:
    """The split with the teacher's answers where there were none; rows that it leaves blank are left out."""
    blank = [example for example in (*split.train, *split.held_out) if not example.completion]
    if not blank:
        return split
    teacher = job.recipe.teacher
    if teacher is None:
        raise InputError("training.no_teacher", count=len(blank), row=blank[0].row)
    job.phase("teach")
    said = _asked(job, teacher, blank)
    taught = dict(zip(map(id, blank), said, strict=True))
    train, held_out = _answered(split.train, taught), _answered(split.held_out, taught)
    if not train or not held_out:
        raise InputError("training.teacher_silent", model=teacher.model)
    return structs.replace(split, train=train, held_out=held_out)


def kept_answers(run: Path) -> Path:
    """Where the run in this folder keeps what its teacher said."""
    stages = sorted(run.glob("stages/*-distill/teacher.jsonl"))
    return stages[0] if stages else run / "teacher.jsonl"


def recall(kept: Path, teacher: TeacherSpec | None, split: Split) -> Split:
    """The split as `teach` left it, from the answers that a finished run keeps; InputError where one was never given.

    Nobody is asked anything.
    """
    blank = [example for example in (*split.train, *split.held_out) if not example.completion]
    if not blank:
        return split
    if teacher is None or not kept.is_file():
        raise InputError("training.untaught", count=len(blank), row=blank[0].row)
    if teacher.endpoint is not None:
        there = Endpoint(teacher.endpoint, teacher.model, cache=kept, limit=0)
        said = [there.answer(_turns(teacher, example), max_tokens=teacher.max_tokens) for example in blank]
    else:
        known, keys = _read(kept), [_key(teacher, example) for example in blank]
        if not known.keys() >= set(keys):
            raise InputError("training.untaught", count=len(set(keys) - known.keys()), row=blank[0].row)
        said = [known[key] for key in keys]
    taught = dict(zip(map(id, blank), said, strict=True))
    return structs.replace(split, train=_answered(split.train, taught), held_out=_answered(split.held_out, taught))


def _answered(examples: list[Example], taught: dict[int, str]) -> list[Example]:
    filled = [structs.replace(e, completion=e.completion or taught[id(e)]) for e in examples]
    return [example for example in filled if example.completion.strip()]


def _asked(job: Job, teacher: TeacherSpec, blank: list[Example]) -> list[str]:
    if teacher.endpoint is not None:
        cache = job.run.path / "teacher.jsonl"
        there = Endpoint(teacher.endpoint, teacher.model, key_env=teacher.key_env, cache=cache)
        said = []
        for example in blank:
            job.check_stop()
            said.append(there.answer(_turns(teacher, example), max_tokens=teacher.max_tokens))
        return said
    return _local(job, teacher, blank)


def _turns(teacher: TeacherSpec, example: Example) -> list[Message]:
    prompt = example.prompt
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else list(prompt)
    return [{"role": "system", "content": teacher.system}, *turns] if teacher.system else turns


def _local(job: Job, teacher: TeacherSpec, blank: list[Example]) -> list[str]:
    """Answers of a local teacher, kept in the run's folder; those not known yet are asked for together."""
    kept = job.run.path / "teacher.jsonl"
    known = _read(kept)
    keys = [_key(teacher, example) for example in blank]
    missing = {key: example for key, example in zip(keys, blank, strict=True) if key not in known}
    if missing:
        known |= dict(zip(missing, _said(job, teacher, list(missing.values())), strict=True))
        lines = [msgspec.json.encode(Kept(key=key, answer=known[key])) for key in known]
        write_atomic(kept, b"\n".join(lines) + b"\n")
    return [known[key] for key in keys]


def _key(teacher: TeacherSpec, example: Example) -> str:
    """What an answer depends on: the teacher's files, how it is asked, and the turns. Answers are greedy."""
    asked = [_stamp(teacher.model), teacher.max_tokens, _turns(teacher, example)]
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()


def _stamp(model: str) -> list[Any]:
    """The teacher by name and, where it is a folder, by what its weights' files are."""
    files = sorted(Path(model).expanduser().glob("*.safetensors")) if Path(model).expanduser().is_dir() else []
    return [model, *((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)]


def _read(kept: Path) -> dict[str, str]:
    if not kept.is_file():
        return {}
    lines = kept.read_bytes().splitlines()
    return {each.key: each.answer for each in (msgspec.json.decode(line, type=Kept) for line in lines)}


def _said(job: Job, teacher: TeacherSpec, blank: list[Example]) -> list[str]:
    """What the teacher answers; it is let go before the student is loaded."""
    from transformers import AutoModelForCausalLM

    spec = ModelSpec(id=teacher.model)
    tokenizer = load_tokenizer(spec)
    model: Any = from_hub(AutoModelForCausalLM, spec, use_safetensors=True).to(job.device)
    asked = for_model(tokenizer, [structs.replace(e, prompt=tuple(_turns(teacher, e))) for e in blank])
    return answers(model, tokenizer, asked, max_new_tokens=teacher.max_tokens, between=job.check_stop)


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.DISTILL)
