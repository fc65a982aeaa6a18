"""The verdict follows from the table alone: the cheapest lane not worse than the best, and whether it is enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from advisor.recipe import Metric
from tuner_tui.evaluation.bakeoff import Compared, Measurement
from tuner_tui.evaluation.lanes import Lane
from tuner_tui.evaluation.paired import GAPS, LEAST, difference

SHOWN = 200


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Which lane to take.

    `agrees_with_advice` is None when nothing was advised, and when no lane is good enough or better than another:
    that neither confirms nor overturns anything.
    """

    label: Lane
    goal_met: bool
    agrees_with_advice: bool | None
    text: str


def verdict(
    found: Compared, *, goal: float, advised: str | None, say: Callable[..., str]
) -> tuple[Verdict, dict[str, Any]]:
    """The verdict, and each lane's paired difference to the best one."""
    losses = found.lanes[0].metric is Metric.LOSS
    lanes, sign = found.lanes, -1.0 if losses else 1.0
    best = max(lanes, key=lambda lane: (sign * lane.score, -list(Lane).index(lane.label)))
    gaps = {lane.label.value: difference(best.values, lane.values, scale=None if losses else GAPS) for lane in lanes}
    equal = [lane for lane in lanes if lane is best or not gaps[lane.label.value].real]
    few = len(best.values) < LEAST
    chosen = best if few else min(equal, key=lambda lane: list(Lane).index(lane.label))
    met = sign * chosen.score >= sign * goal
    told = advised is not None and not few and (met or any(gap.real for gap in gaps.values()))
    agrees = advised == chosen.label.value if told else None
    text = _text(chosen, best, lanes, equal, met=met, goal=goal, agrees=agrees, advised=advised, say=say)
    text = f"{text} {say(f'compare.next.{next_step(found, chosen, met=met, goal=goal)}')}"
    return (
        Verdict(label=chosen.label, goal_met=met, agrees_with_advice=agrees, text=text),
        {name: msgspec.to_builtins(gap) | {"real": gap.real} for name, gap in gaps.items()},
    )


def _text(
    chosen: Measurement,
    best: Measurement,
    lanes: Sequence[Measurement],
    equal: Sequence[Measurement],
    *,
    met: bool,
    goal: float,
    agrees: bool | None,
    advised: str | None,
    say: Callable[..., str],
) -> str:
    name = say(f"compare.lane.{chosen.label.value}")
    said = "compare.text.chosen" if len(lanes) > 1 else "compare.text.only"
    parts = [say(said, lane=name, score=f"{chosen.score:.3f}", **({"lanes": len(lanes)} if len(lanes) > 1 else {}))]
    items = len(chosen.values)
    if items < LEAST:
        parts.append(say("compare.text.few", items=items, least=LEAST))
    elif len(equal) == len(lanes) > 1:
        parts.append(say("compare.text.no_difference", items=items))
    elif chosen is not best:
        parts.append(say("compare.text.equal", best=say(f"compare.lane.{best.label.value}"), score=f"{best.score:.3f}"))
    parts.append(say("compare.text.met" if met else "compare.text.not_met", goal=f"{goal:g}"))
    if met and not _surely(chosen, goal):
        parts.append(say("compare.text.by_chance", low=f"{chosen.low:.3f}", high=f"{chosen.high:.3f}", items=items))
    if agrees is not None:
        told = say(f"compare.lane.{advised}")
        parts.append(say("compare.text.agrees" if agrees else "compare.text.overturns", advised=told))
    return " ".join(parts)


def _surely(lane: Measurement, goal: float) -> bool:
    """Whether all of the interval is good enough."""
    return lane.high <= goal if lane.metric is Metric.LOSS else lane.low >= goal


FOUND_ENOUGH = 0.9


def next_step(found: Compared, chosen: Measurement, *, met: bool, goal: float) -> str:
    """What to do after this, by what the table itself says: a key under `compare.next`."""
    sign = -1.0 if chosen.metric is Metric.LOSS else 1.0
    reached = any(sign * lane.score >= sign * goal for lane in found.lanes)
    if len(chosen.values) < LEAST or (reached and not met):
        return "more_questions"
    if met:
        return "keep_tuned" if chosen.label.tuned else "keep_documents" if chosen.label.retrieves else "keep_prompt"
    if max(sign * chosen.low, sign * chosen.high) >= sign * goal:
        return "more_questions"
    measured = {lane.label for lane in found.lanes}
    known = [there for there in _there(found) if there is not None]
    there = sum(known) / len(known) if known else found.retrieval.recall.get("3", 1.0) if found.retrieval else 1.0
    if there < FOUND_ENOUGH:
        return "better_retrieval"
    if found.retrieval is None and not any(lane.retrieves for lane in measured):
        return "documents" if any(lane.tuned for lane in measured) else "tune_or_documents"
    if any(lane.retrieves for lane in measured) and Lane.RAG_FT not in measured:
        return "both"
    return "data_or_model"


def document(found: Compared, judged: Verdict, gaps: dict[str, Any], goal: float) -> dict[str, Any]:
    """What `tuner compare --json` prints: the contract's keys, and beside them what they rest on."""
    hidden = ("values", "answers")
    return {
        "items": len(found.questions),
        "lanes": [
            {key: value for key, value in msgspec.to_builtins(lane).items() if key not in hidden}
            | {"difference_to_best": gaps[lane.label.value]}
            for lane in found.lanes
        ],
        "verdict": msgspec.to_builtins(judged),
        "retrieval": found.retrieval and msgspec.to_builtins(found.retrieval) | {"blame": blame(found)},
        "kept": msgspec.to_builtins(found.kept),
        "skipped": found.skipped,
        "troubles": found.troubles,
        "seen": found.seen,
        "made": found.made,
        "failed": msgspec.to_builtins(found.failed),
        "judged": msgspec.to_builtins(found.judged),
        "tasks": msgspec.to_builtins(found.tasks),
        "history": history(found, goal),
        "answers": _answers(found),
    }


TRIED = {
    "prompting": (Lane.ZERO_SHOT, Lane.FEW_SHOT, Lane.API),
    "rag": (Lane.RAG, Lane.API_RAG),
    "sft": (Lane.FT,),
}


def history(found: Compared, goal: float) -> dict[str, str]:
    """What the measurement says as the `history` of the facts (DESIGN.md 4.1), of the approaches that were measured.

    Too few questions to tell anything from chance say nothing here either.
    """
    if len(found.lanes[0].values) < LEAST:
        return {}
    sign = -1.0 if found.lanes[0].metric is Metric.LOSS else 1.0
    told = {}
    for name, lanes in TRIED.items():
        scores = [lane.score for lane in found.lanes if lane.label in lanes]
        if scores:
            told[name] = "works" if any(sign * score >= sign * goal for score in scores) else "insufficient"
    return told


def _there(found: Compared) -> list[bool | None]:
    """By question whether the right document was among the passages; None where none is named."""
    asked = zip(found.named, found.cited, strict=True) if found.cited else ()
    return [
        None if name is None else name in {cited.rpartition("#")[0] for cited in passages} for name, passages in asked
    ]


def blame(found: Compared) -> dict[str, Any]:
    """Of each lane with passages: how it scores where the right document was among them, and where it was not.

    A wrong answer below the right document is the model's, one without it is retrieval's.
    """
    there = _there(found)
    told = {}
    for lane in found.lanes:
        if there and lane.label.retrieves and len(lane.values) == len(there):
            split = {kind: [v for v, t in zip(lane.values, there, strict=True) if t is kind] for kind in (True, False)}
            told[lane.label.value] = {
                name: {"items": len(values), "score": sum(values) / len(values) if values else None}
                for name, values in (("found", split[True]), ("missed", split[False]))
            }
    return told


def _answers(found: Compared) -> list[dict[str, Any]]:
    """Question by question what each lane said and earned, for reading side by side.

    With passages also which of them an answer rests on, and whose a wrong one is: `retrieval` or `answer`.
    """
    rows, there = [], _there(found)
    for at, (question, reference) in enumerate(zip(found.questions, found.references, strict=True)):
        said = {}
        for lane in found.lanes:
            if at < len(lane.answers) and at < len(lane.values):
                told = {"answer": lane.answers[at], "score": lane.values[at]}
                said[lane.label.value] = told | _rests(found, lane, at, there)
        row = {"question": question, "reference": reference, "lanes": said}
        rows.append(row | ({"passages": found.cited[at]} if at < len(found.cited) else {}))
    return rows[:SHOWN]


def _rests(found: Compared, lane: Measurement, at: int, there: Sequence[bool | None]) -> dict[str, str | None]:
    used = found.used.get(lane.label.value)
    if used is None:
        return {}
    wrong = lane.metric is not Metric.LOSS and lane.values[at] < 1 and there[at] is not None
    return {"cites": used[at], "blame": ("answer" if there[at] else "retrieval") if wrong else None}
