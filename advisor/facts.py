"""Facts: what is known about goal, data, model, hardware, constraints and history. Unknown is None, never 0."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from advisor.document import parse_document
from advisor.errors import InputError

MOST = 10**15


class Goal(StrEnum):
    """What the user wants the model to do; several may apply, the most important first."""

    INJECT_FACTS = "inject_facts"
    FRESH_KNOWLEDGE = "fresh_knowledge"
    DOMAIN_LANGUAGE = "domain_language"
    TASK_SKILL = "task_skill"
    STYLE = "style"
    FORMAT = "format"
    INSTRUCTION_FOLLOWING = "instruction_following"
    REFUSAL = "refusal"
    PREFERENCE_ALIGNMENT = "preference_alignment"
    REASONING = "reasoning"
    COST_LATENCY = "cost_latency"


class Changes(StrEnum):
    """How fast the knowledge behind the answers changes."""

    STATIC = "static"
    SLOW = "slow"
    FAST = "fast"


class Access(StrEnum):
    """What may be done to the model: `api_ft` = closed weights, hosted tuning; `api` = neither."""

    OPEN = "open"
    API_FT = "api_ft"
    API = "api"


class Kind(StrEnum):
    """Whether the model already follows instructions."""

    BASE = "base"
    INSTRUCT = "instruct"


class Latency(StrEnum):
    """How hard the answer time is limited."""

    NORMAL = "normal"
    STRICT = "strict"


class Privacy(StrEnum):
    """Whether data may leave the machine."""

    NONE = "none"
    ON_PREM = "on_prem"


class Tried(StrEnum):
    """What came of an approach that was tried, or that it was not."""

    UNTRIED = "untried"
    WORKS = "works"
    WORKS_BUT_COSTLY = "works_but_costly"
    INSUFFICIENT = "insufficient"


class BaseSuccess(StrEnum):
    """Whether the base model ever gets a checkable task right."""

    ZERO = "zero"
    SOME = "some"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Knowledge(_Part, frozen=True, kw_only=True):
    """The knowledge behind the answers; `corpus_tokens` counts tokens of the documents."""

    changes: Changes | None = None
    needs_citations: bool | None = None
    fits_in_context: bool | None = None
    corpus_tokens: int | None = None


class Data(_Part, frozen=True, kw_only=True):
    """Rows per kind of data: 0 = none of that kind (absent), None = some, number unknown."""

    documents: int | None = 0
    instruction_pairs: int | None = 0
    preference_pairs: int | None = 0
    binary_feedback: int | None = 0
    verifiable_rewards: int | None = 0
    unlabeled_inputs: int | None = 0


class Model(_Part, frozen=True, kw_only=True):
    """The model in question; `params_b` in billions of parameters."""

    id: str | None = None
    params_b: float | None = None
    access: Access | None = None
    kind: Kind | None = None


class Gpu(_Part, frozen=True, kw_only=True):
    """One GPU; memory in GiB as vendors print it (`vram_gb`) and as the driver reports it free."""

    name: str | None = None
    vram_gb: float | None = None
    free_gb: float | None = None


class Hardware(_Part, frozen=True, kw_only=True):
    """The machine; `gpus` None = unknown, [] = none."""

    gpus: list[Gpu] | None = None
    ram_gb: float | None = None
    disk_gb: float | None = None


class Constraints(_Part, frozen=True, kw_only=True):
    """What must hold besides quality."""

    latency: Latency | None = None
    privacy: Privacy | None = None
    n_tasks: int | None = None
    keep_general_ability: bool | None = None
    budget_usd: float | None = None
    deadline_h: float | None = None


class History(_Part, frozen=True, kw_only=True):
    """What was tried and measured. `teacher` = a stronger model whose answers may be used."""

    prompting: Tried | None = None
    rag: Tried | None = None
    sft: Tried | None = None
    base_success: BaseSuccess | None = None
    teacher: bool | None = None


class Facts(_Part, frozen=True, kw_only=True):
    """Everything the advisor may look at."""

    goals: list[Goal] = []
    knowledge: Knowledge = Knowledge()
    data: Data = Data()
    model: Model = Model()
    hardware: Hardware = Hardware()
    constraints: Constraints = Constraints()
    history: History = History()


def decode_facts(text: bytes | str, source: str) -> Facts:
    """Facts from JSON or YAML; InputError names the source, the key and what is allowed there."""
    raw = parse_document(text, source)
    return facts_from(raw if raw is not None else {}, source)


def facts_from(raw: Any, source: str) -> Facts:
    """Facts from plain data, strictly: unknown keys and values are refused."""
    if not isinstance(raw, dict):
        raise InputError("facts.not_mapping", source=source, found=type(raw).__name__)
    _refuse_unknown(raw, source)
    _refuse_negative(raw, source)
    try:
        return msgspec.convert(raw, Facts)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        key = path.rstrip("`") or "?"
        raise InputError("facts.value", source=source, key=key, detail=detail, allowed=_allowed(key)) from None


def _sections() -> dict[str, tuple[str, ...]]:
    structs = {
        "knowledge": Knowledge,
        "data": Data,
        "model": Model,
        "hardware": Hardware,
        "constraints": Constraints,
        "history": History,
    }
    return {name: struct.__struct_fields__ for name, struct in structs.items()}


def _refuse_unknown(raw: dict[str, Any], source: str) -> None:
    _check_keys(raw, Facts.__struct_fields__, "", source)
    for name, fields in _sections().items():
        if isinstance(raw.get(name), dict):
            _check_keys(raw[name], fields, f"{name}.", source)


def _check_keys(part: dict[str, Any], fields: tuple[str, ...], prefix: str, source: str) -> None:
    for key in part:
        if key not in fields:
            raise InputError("facts.key", source=source, key=f"{prefix}{key}", allowed=", ".join(fields))


def _refuse_negative(raw: dict[str, Any], source: str) -> None:
    for section in ("data", "knowledge", "model", "hardware", "constraints"):
        part = raw.get(section)
        for key, value in part.items() if isinstance(part, dict) else ():
            if isinstance(value, int | float) and not isinstance(value, bool) and not 0 <= value <= MOST:
                raise InputError(
                    "facts.value", source=source, key=f"{section}.{key}", detail=str(value)[:40], allowed=f"0..{MOST:g}"
                )


def _allowed(key: str) -> str:
    enums: dict[str, type[StrEnum]] = {
        "goals": Goal,
        "changes": Changes,
        "access": Access,
        "kind": Kind,
        "latency": Latency,
        "privacy": Privacy,
        "prompting": Tried,
        "rag": Tried,
        "sft": Tried,
        "base_success": BaseSuccess,
    }
    name = key.rpartition(".")[2].partition("[")[0]
    return ", ".join(enums[name]) if name in enums else "number, true/false, text or null, as in the contract"
