"""Every failure has a code, and every code is explained: what it says, why it is a failure, what to do."""

from __future__ import annotations

import msgspec

from advisor.words import Words

# Failures that are said in words without being InputErrors; their codes are their keys.
FAULTS = (
    *("cli.lang", "cli.unknown", "cli.no_terminal", "cli.bad_usage", "cli.crashed"),
    *("runs.queue.no_device", "runs.queue.too_big", "runs.stop.stuck", "runs.end.crashed"),
    *("serve.needs", "serve.ended"),
    *("training.exit.oom", "training.exit.disk", "training.exit.error", "training.rehearsal.too_big"),
    *("training.exit.diverged_loss", "training.exit.diverged_gradient", "training.exit.diverged_weights"),
)
PROBLEM, WARNING, COACH = "inspect.problem.", "training.warn.", "coach."


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One code: its message with `<placeholders>`, why it is a failure, what to do."""

    code: str
    says: str
    why: str
    do: str


def codes(words: Words) -> dict[str, str]:
    """All codes, in order, and the key of the message that each stands for."""
    found = {key.removeprefix("errors."): key for key in words.table if key.startswith("errors.")}
    found |= {key: key for key in FAULTS}
    for start in (PROBLEM, WARNING):
        found |= {key.removeprefix(start): key for key in words.table if key.startswith(start)}
    found |= {key.split(".")[1]: key for key in words.table if key.startswith(COACH) and key.endswith(".text")}
    found |= {f"doctor.{name}": f"doctor.{name}" for name in doctors(words)}
    return dict(sorted(found.items()))


def doctors(words: Words) -> set[str]:
    """The checks of `tuner doctor`."""
    parts = (key.split(".") for key in words.table if key.startswith("doctor.") and key.endswith(".mend"))
    return {part[1] for part in parts if len(part) == 4}


def explained(code: str, words: Words) -> Explained | None:
    """What a code means; None for one that there is not. Brackets around it do not matter."""
    known = codes(words)
    code = code.strip().strip("[]`")
    code = next((each for each in (code, code.upper(), code.lower()) if each in known), "")
    if not code:
        return None
    key = known[code]
    says = words.table.get(key, "").format_map(_Shown())
    if key.startswith(COACH):
        name = key.removesuffix(".text")
        return Explained(code=code, says=words.say(f"{name}.name"), why=says, do=words.say(f"{name}.action"))
    topic = _topic(_where(code, key), words)
    return Explained(code=code, says=says, why=words.say(f"{topic}.why"), do=words.say(f"{topic}.do"))


class _Shown(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def _where(code: str, key: str) -> str:
    """The dotted name under which an explanation is looked for."""
    for start, topic in ((PROBLEM, "problem"), (WARNING, "warn")):
        if key.startswith(start):
            return f"{topic}.{code}"
    return code


def _topic(code: str, words: Words) -> str:
    """The key of the nearest explanation: the code's own, else that of what its name begins with."""
    parts = code.replace("_", "._").split(".")
    for count in range(len(parts), 0, -1):
        key = "explain." + ".".join(parts[:count]).replace("._", "_")
        if words.has(f"{key}.why"):
            return key
    raise KeyError(code)
