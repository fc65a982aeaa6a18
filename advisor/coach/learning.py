"""Learning that goes wrong shows in the course of the losses, told apart from noise by the noise that was measured."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import groupby

from advisor.coach.numbers import labels_all_masked, loss_fell_to_exact_zero
from advisor.coach.rule import STOP, Evidence, watches
from advisor.coach.telemetry import STRAYS, Answer, Course, Points, Telemetry, course, most_gained, noise, values
from advisor.methods import Objective, Technique
from advisor.rates import learning_rate

SMITH = ("Smith, A disciplined approach to neural network hyper-parameters (arXiv 1803.09820)", None)
LORA_LR = ("Thinking Machines, LoRA Without Regret: the best rate is about ten times that of full tuning", None)
EARLY = ("Prechelt, Early Stopping - But When? (generalisation loss)", None)
EOS = ("transformers issue 23230 and the like: padding with the end token masks it, so that it is never learned", None)

RISE = 0.10
WARMUP_SHARE = 0.35
SPIKE, SPIKES, SPIKE_NOISE = 1.3, 5, 3.0
SLOW_SHARE, SLOW_GAIN = 0.4, 0.02
FLAT_GAIN, FLAT_SHARE, STOOD = 0.015, 0.05, (0.4, 0.8)
USUAL = {"lora": (1e-5, 2e-3), "qlora": (1e-5, 2e-3), "prefix": (1e-4, 1e-2), "prompt": (1e-4, 3e-2)}
USUAL_FULL = (1e-6, 1e-3)
"""Learning rates by technique: a tenth of the least that the sources give, and the most; outside them nobody trains."""
FAR, BELOW = 20.0, 2.0
"""Times the rate that the sources give for the method and the model's size."""
WORTH_NATS = 0.3
STILL = 1e-3
LITTLE = 0.15
PREFERENCES = ("dpo", "orpo", "kto")
OVERFIT, BY_HEART, HALF = 0.05, 0.6, 0.5
LONG = 1.5
RIGHT = 0.6
SETTLED = 0.5


def rising(found: Course) -> bool:
    """Whether the last windows lie above the best by more than chance, and by a tenth of the start or half the gain."""
    gained = max(found.first - found.best, RISE * abs(found.first) / 5)
    level = max(min(RISE * abs(found.first), gained / 2), STRAYS * found.stray)
    return min(found.medians[-2:]) - found.best > level


def losses_of(t: Telemetry) -> Course | None:
    """The course of the loss, where the loss is what is being brought down."""
    return None if t.online else course(t.losses)


def blind(t: Telemetry) -> bool:
    """Whether the losses say nothing because they are no losses."""
    return bool(labels_all_masked.check(t) or loss_fell_to_exact_zero.check(t))


@watches("COA004", sources=(SMITH,), figures={"rise": RISE}, action=STOP)
def diverging(t: Telemetry) -> Evidence | None:
    """The training loss climbs away from its best, more than noise explains."""
    found = losses_of(t)
    if found is None or len(found.medians) < 4 or not rising(found) or _held_out_stays(t.eval_losses, found.ends[-3]):
        return None
    return {"best": round(found.best, 4), "best_step": int(found.best_at), "now": round(found.last, 4)}


def _held_out_stays(points: Points, since: float) -> bool:
    """Whether an evaluation in the rise shows none: then the training loss rose by the chance of its batches."""
    known = [(step, value) for step, value in points if value is not None]
    return len(known) > 1 and known[-1][0] > since and known[-1][1] <= 1.02 * min(value for _, value in known)


@watches("COA005", sources=(LORA_LR,), action="set train.learning_rate=*0.3")
def learning_rate_too_high(t: Telemetry) -> Evidence | None:
    """The loss turned bad as soon as the learning rate was up, or never fell below where it began."""
    found, rates = losses_of(t), values(t.rates)
    if found is None or len(found.medians) < 4 or not rates:
        return None
    early = found.best_at <= found.ends[0] + WARMUP_SHARE * (found.ends[-1] - found.ends[0])
    if early and rising(found):
        return {"rate": f"{max(rates):.2g}", "best_step": int(found.best_at), "now": round(found.last, 4)}
    thrown = _thrown_up(t)
    return None if thrown is None else {"rate": f"{max(rates):.2g}", "best_step": thrown[0], "now": thrown[1]}


def _thrown_up(t: Telemetry) -> tuple[int, float] | None:
    """Where the loss began and to what it was thrown: well above its beginning for several steps on end."""
    last = WARMUP_SHARE * (t.total or t.step)
    known = [(step, value) for step, value in t.losses if value is not None and step <= last]
    if not known or t.losses[0][1] is None:
        return None
    # Single losses of small batches differ by much more than the first says: their own noise counts too.
    limit = max(SPIKE * known[0][1], known[0][1] + SPIKE_NOISE * noise([value for _, value in known]))
    row = 0
    for _, value in known:
        row = row + 1 if value > limit > 0 else 0
        if row == SPIKES:
            return int(known[0][0]), round(value, 4)
    return None


@watches("COA015", sources=(LORA_LR,), figures={"far": FAR}, action="set train.learning_rate=*0.05")
def learning_rate_far_above_usual(t: Telemetry) -> Evidence | None:
    """The learning rate is many times what is usual for the method and the model's size."""
    usual, rates = usual_rate(t), values(t.rates)
    if usual is None or not rates or max(rates) <= FAR * usual:
        return None
    return {"rate": f"{max(rates):.2g}", "usual": f"{usual:.2g}", "times": round(max(rates) / usual)}


def usual_rate(t: Telemetry) -> float | None:
    """What the advisor would begin with; None where the method is not known or its optimizer scales no step (SGD)."""
    if "adam" not in (t.optimizer or "adamw"):
        return None
    try:
        objective, technique = Objective(t.objective or ""), Technique(t.technique or "")
    except ValueError:
        return None
    size = None if t.parameters is None else t.parameters / 1e9
    return learning_rate(objective, technique, params_b=size, steps=t.total or t.step or None).value


@watches("COA006", sources=(SMITH,), figures={"gain": SLOW_GAIN}, action="set train.learning_rate=*5")
def learning_rate_too_low(t: Telemetry) -> Evidence | None:
    """Well into the run the loss has hardly moved from where it began."""
    found, rates = losses_of(t), values(t.rates)
    if found is None or (t.done or 0.0) < SLOW_SHARE or len(t.losses) < 20 or not rates or blind(t):
        return None
    if _little_by_little(t, found, max(rates)):
        return {"rate": f"{max(rates):.2g}", "first": round(found.first, 4), "now": round(found.last, 4)}
    if found.first <= 0 or found.first - found.last > SLOW_GAIN * found.first or _eval_gain(t.eval_losses) > SLOW_GAIN:
        return None
    moved = max(abs(median - found.first) for median in found.medians)
    if moved > SLOW_GAIN * found.first + STRAYS * found.stray or learning_rate_too_high.check(t):
        return None
    known = values(t.losses)
    quarter = len(known) // 4
    # Where noise could hide a gain, only a rate below all that is usual tells that there is none.
    sure = most_gained(known[:quarter], known[-quarter:]) <= 2 * SLOW_GAIN * found.first
    # What is learned of preferences shows in the margin, not in this loss.
    sure = sure and t.objective not in PREFERENCES
    least, most = usual_rates(t)
    if max(rates) >= (most if sure else least):
        return None
    return {"rate": f"{max(rates):.2g}", "first": round(found.first, 4), "now": round(found.last, 4)}


def _little_by_little(t: Telemetry, found: Course, rate: float) -> bool:
    """Whether the rate is a small part of the usual one and no more than a little was gained by it."""
    usual = usual_rate(t)
    if usual is None or rate >= usual / FAR or t.objective in PREFERENCES or found.first <= 0:
        return False
    return max((found.first - found.last) / found.first, _eval_gain(t.eval_losses)) <= LITTLE


def usual_rates(t: Telemetry) -> tuple[float, float]:
    """The learning rates below which a loss that does not move is the rate's fault: perhaps, and surely.

    Where the method is not known, the ends of what people use; preferences are learned at a tenth of the usual rates.
    """
    usual = usual_rate(t)
    if usual is not None:
        return usual / FAR, usual / BELOW
    least, most = USUAL.get(t.technique or "", USUAL_FULL)
    return (least / 10 if t.extra("rewards_margin", "rewards_margins") else least), most


def _eval_gain(points: Points) -> float:
    found = values(points)
    return (found[0] - min(found)) / found[0] if len(found) > 1 and found[0] > 0 else 0.0


@watches("COA007", sources=(SMITH,), figures={"gain": FLAT_GAIN})
def plateau(t: Telemetry) -> Evidence | None:
    """The loss fell at first and has stood still since, far from zero, with the learning rate still up."""
    found, rates = losses_of(t), values(t.rates)
    if found is not None and rates and _never_moved(t, found):
        return {"since": int(t.losses[0][0]), "now": round(found.last, 4)}
    if found is None or len(found.medians) < 5 or not rates or not STOOD[0] <= (t.done or 0.0) <= STOOD[1]:
        return None
    stands = [value for step, value in t.losses if value is not None and step > t.step / 2]
    half = len(stands) // 2
    gained = found.first - found.last
    worth = gained > 0.05 * found.first and found.last > 0.3 * found.first
    if half < 10 or not worth or rates[-1] < 0.3 * max(rates):
        return None
    if most_gained(stands[:half], stands[half:]) > min(FLAT_GAIN * found.first, FLAT_SHARE * gained):
        return None
    if _held_out_falls(t.eval_losses, t.step / 2):
        return None
    return {"since": int(t.step / 2), "now": round(found.last, 4)}


def _held_out_falls(points: Points, since: float) -> bool:
    """Whether the held-out loss, which has no batches to differ by, still fell after `since`."""
    before = [value for step, value in points if value is not None and step <= since]
    after = [value for step, value in points if value is not None and step > since]
    return bool(before and after) and after[-1] < (1 - SLOW_GAIN) * before[-1]


def _never_moved(t: Telemetry, found: Course) -> bool:
    """Whether the loss stands where it began, well above zero, and the learning rate is not to blame."""
    if (t.done or 0.0) < SLOW_SHARE or len(t.losses) < 20 or blind(t) or found.first < WORTH_NATS:
        return False
    if t.objective in PREFERENCES:
        return False  # the margin tells what is learned, not this loss
    evaluated = values(t.eval_losses)
    if len(evaluated) > 2 and max(evaluated) - min(evaluated) <= STILL * max(evaluated):
        return not learning_rate_too_low.check(t)
    known = values(t.losses)
    quarter = len(known) // 4
    gained = most_gained(known[:quarter], known[-quarter:]) > 2 * SLOW_GAIN * found.first
    far = max(abs(median - found.first) for median in found.medians)
    moved = far > min(SLOW_GAIN * found.first + STRAYS * found.stray, LITTLE * found.first)
    if gained or moved or _eval_gain(t.eval_losses) > SLOW_GAIN:
        return False
    return not learning_rate_too_low.check(t) and not learning_rate_too_high.check(t)


@watches("COA008", sources=(EARLY,), figures={"rise": OVERFIT}, action=STOP)
def overfitting(t: Telemetry) -> Evidence | None:
    """The held-out loss rises while the training loss goes on falling."""
    found = [(step, value) for step, value in t.eval_losses if value is not None]
    if len(found) < 3:
        return None
    best_step, best = min(found, key=lambda point: point[1])
    before = values([point for point in t.losses if point[0] <= best_step])[-5:]
    now = values(t.losses)[-5:]
    fell = (sum(now) / len(now)) / (sum(before) / len(before)) if before and now and any(before) else 1.0
    clear = found[-1][1] >= best * (1 + OVERFIT) + 0.01 and found[-2][1] >= best * (1 + OVERFIT / 2) and fell <= 1.05
    tail = [value for _, value in found[-3:]]
    # A small rise counts when it goes on while what is learned by heart halves.
    least = OVERFIT / 5 if tail[0] > best else OVERFIT / 2.5
    slow = tail == sorted(tail) and tail[-1] > best * (1 + least) and fell < BY_HEART
    if not clear and not slow and not _by_heart(t, found):
        return None
    return {"best": round(best, 4), "best_step": int(best_step), "now": round(found[-1][1], 4)}


def _by_heart(t: Telemetry, evaluated: list[tuple[float, float]]) -> bool:
    """Whether the second half of the evaluations was no better while the training loss went to a fraction of theirs."""
    half = len(evaluated) // 2
    if half < 2:
        return False
    best, later = (min(value for _, value in part) for part in (evaluated[:half], evaluated[half:]))
    since = evaluated[half - 1][0]
    before = values([point for point in t.losses if point[0] <= since])[-5:]
    now = values(t.losses)[-5:]
    if not before or not now or later < best * (1 - OVERFIT / 5):
        return False
    level = sum(now) / len(now)
    return level < BY_HEART * sum(before) / len(before) and level < HALF * evaluated[-1][1]


@watches("COA009", sources=(EOS,), figures={"long": LONG}, action=STOP)
def end_never_produced(t: Telemetry) -> Evidence | None:
    """The answers have become right, but none of the latest ended by itself: the end token is not learned."""
    steps = [list(group) for _, group in groupby(t.answers, key=lambda answer: answer.step)]
    if not steps or len(steps[-1]) < 2 or steps[-1][0].step < SETTLED * (t.total or 0):
        return None
    last = steps[-1]
    # A model that has not learned yet runs on as well: only answers that begin as wanted count.
    if not all(runs_on(answer) for answer in last) or not any(begins_right(answer) for answer in last):
        return None
    return {"step": last[0].step, "answers": len(last)}


def runs_on(answer: Answer) -> bool:
    """Whether an answer did not end by itself: as told, else because it is longer than wanted by half."""
    if answer.ended is not None:
        return not answer.ended
    return bool(answer.reference) and len(answer.text) > LONG * len(answer.reference or "") + 4


def begins_right(answer: Answer) -> bool:
    """Whether the answer begins much like the wanted one."""
    wanted = answer.reference or ""
    same = SequenceMatcher(None, answer.text[: len(wanted)], wanted, autojunk=False).ratio()
    return bool(wanted) and same > RIGHT
