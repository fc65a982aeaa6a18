"""Every lane answers the same held-out questions, and every figure of the table is measured here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import DataSpec, Metric, ModelSpec, Recipe
from tuner_tui.evaluation import judge
from tuner_tui.evaluation.also import also, perplexity
from tuner_tui.evaluation.cites import passage_of
from tuner_tui.evaluation.constrain import Constraint, form_of
from tuner_tui.evaluation.cost import Peak, percentiles, training_s
from tuner_tui.evaluation.example import Example, for_model
from tuner_tui.evaluation.fewshot import FewShot, choices_of
from tuner_tui.evaluation.generate import answers, end_tokens
from tuner_tui.evaluation.grading import grader_of
from tuner_tui.evaluation.harness import TaskScore, harness, known_tasks
from tuner_tui.evaluation.interval import mean
from tuner_tui.evaluation.judge import Judged
from tuner_tui.evaluation.kept import Kept, kept
from tuner_tui.evaluation.lanes import Lane, Shots, grounded, instructed, marks_of, prompt_tokens
from tuner_tui.evaluation.likelihood import likelihoods
from tuner_tui.evaluation.measure import Measured, measure
from tuner_tui.evaluation.remote import Remote, ask_all
from tuner_tui.evaluation.rewards import rewards
from tuner_tui.evaluation.sides import doc_of, raw_rows, rows_of, seen_of
from tuner_tui.evaluation.troubles import Troubles
from tuner_tui.evaluation.weights import Weights, room_of
from tuner_tui.retrieval.build import of_recipe
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.score import Retrieved, retrieved

TIMED = 8
Tell = Callable[..., None]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared. `tuned` is the folder of an adapter or a full model; `goal` the score that is enough.

    `trained` is the data of the tuned weights where the questions are others.
    """

    recipe: Recipe
    lanes: list[Lane]
    tuned: str | None = None
    goal: float = 0.9
    remote: Remote | None = None
    trained: DataSpec | None = None


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """One lane's figures. Latencies are of single requests; cost is unknown for a machine of one's own."""

    label: Lane
    metric: Metric
    score: float
    low: float
    high: float
    latency_ms: dict[str, float]
    tokens_per_request: float
    cost_per_1k: float | None
    peak_gb: float | None
    shots: Shots | None
    groups: dict[str, float]
    also: dict[str, float] = {}
    values: list[float]
    answers: list[str]


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A lane that could not be measured, and why; `answered` of its questions were, and are kept."""

    label: Lane
    text: str
    answered: int


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """All lanes on the same items; `failed` are those that have no figures.

    `cited` are the passages that stood above each question, `used` by lane the one that each answer rests on, `named`
    the documents that hold the answers, `skipped` those that could not be read, `troubles` why judge or tasks have no
    figures, `seen` how many of the questions were trained on, `made` what building the index and training took.
    """

    questions: list[str]
    references: list[str]
    lanes: list[Measurement]
    retrieval: Retrieved | None
    cited: list[list[str]] = []
    used: dict[str, list[str | None]] = {}
    named: list[str | None] = []
    kept: Kept | None = None
    failed: list[Broken] = []
    tasks: list[TaskScore] = []
    judged: list[Judged] = []
    skipped: list[str] = []
    troubles: list[str] = []
    seen: int = 0
    made: dict[str, Any] = {}


class Bench:
    """Model, tokenizer, data and documents of one comparison; base and tuned weights are never loaded twice."""

    def __init__(self, asked: Asked, device: str, tell: Tell) -> None:
        from tuner_tui.training import model

        self.asked, self.tell, self.device = asked, tell, device
        self.recipe, self.spec = asked.recipe, asked.recipe.evaluation
        run = Path(asked.tuned).parent if asked.tuned else None
        sides = rows_of(self.recipe, shown=Lane.FEW_SHOT in asked.lanes, run=run)
        self.seen = seen_of(asked.trained, sides[1]) if asked.trained else 0
        self.tokenizer = model.load_tokenizer(self.recipe.model)
        self.train, self.held_out = (for_model(self.tokenizer, side) for side in sides)
        self.rows = raw_rows(self.recipe, self.held_out)
        self.marks = marks_of(self.tokenizer)
        self.index = self._indexed()
        tuned = asked.tuned if any(lane.tuned for lane in asked.lanes) else None
        self.weights = Weights(self.recipe, tuned, device)
        self.constraint = self._constrained()
        self.endpoint = asked.remote.endpoint() if asked.remote else None
        cache = Path(asked.remote.cache) if asked.remote and asked.remote.cache else None
        calls = (
            {"cache": cache, "parallel": asked.remote.parallel, "timeout_s": asked.remote.timeout_s}
            if asked.remote
            else {}
        )
        self.calls = calls if self.recipe.judge and self.recipe.judge.endpoint else {}
        self.grade = grader_of(self.recipe, device, self._unscored, **self.calls)
        self._check_early()

    def _unscored(self, troubles: Troubles) -> None:
        """Say which answers could not be scored."""
        from tuner_tui.words import words

        say = words().say
        for code, params in troubles.texts(say):
            self.tell("trouble", text=say(f"training.warn.{code}", **params))

    def _check_early(self) -> None:
        """What is used only after the lanes is looked at before them. InputError: it cannot be used."""
        from tuner_tui.training.model import load_tokenizer

        judge, spec = self.recipe.judge, self.spec
        if judge is not None and judge.endpoint is None:
            load_tokenizer(ModelSpec(id=judge.model))
        if spec.tasks:
            known_tasks(spec.tasks, spec.task_folder)

    def _constrained(self) -> Constraint | None:
        if form_of(self.recipe.prompting) is None or all(lane.remote for lane in self.asked.lanes):
            return None
        with self.weights.of(tuned=False) as model:
            vocabulary, ends = int(model.config.get_text_config().vocab_size), end_tokens(model, self.tokenizer)
        return Constraint(self.recipe.prompting, self.tokenizer, vocabulary, ends)

    def _indexed(self) -> Index | None:
        docs = self.recipe.data.docs
        if docs is None:
            if any(lane.retrieves for lane in self.asked.lanes):
                raise InputError("compare.no_docs")
            return None
        index = of_recipe(self.recipe, Path(docs).expanduser(), self.device)
        if skipped := self._skipped(index):
            self.tell("skipped", count=len(skipped), text=skipped[0])
        return index

    def _skipped(self, index: Index | None) -> list[str]:
        """Documents that could not be read, each with the remedy."""
        from tuner_tui.words import language

        return [each["text"] for each in index.skipped(language())] if index else []

    def run(self) -> Compared:
        """All lanes, one after the other. What an endpoint does ends its own lane only, unless there is no other."""
        lanes: list[Measurement] = []
        failed: list[Broken] = []
        for lane in self.asked.lanes:
            try:
                lanes.append(self.lane(lane))
            except InputError as error:
                if not error.code.startswith("endpoint.") or (not lanes and lane is self.asked.lanes[-1]):
                    raise
                failed.append(self._broken(lane, error))
        troubles: list[str] = []
        return Compared(
            questions=[example.question for example in self.held_out],
            references=[example.completion for example in self.held_out],
            lanes=lanes,
            failed=failed,
            retrieval=self.retrieved(),
            cited=[[chunk.cited for chunk in passages] for passages in self._found],
            used={lane.label.value: used for lane in lanes if (used := self._used(lane))},
            named=[doc_of(row) for row in self.rows],
            kept=kept(self.weights, self.tokenizer) if self.weights.tuned else None,
            tasks=self._tried(self._tasks, troubles),
            judged=self._tried(partial(self._judged, lanes), troubles),
            skipped=self._skipped(self.index),
            troubles=troubles,
            seen=self.seen,
            made=self._made(),
        )

    def _made(self) -> dict[str, Any]:
        """Seconds of the index, built and last updated, and of the training, as its own report has them."""
        made: dict[str, Any] = {}
        if self.index is not None:
            made["index"] = {name: self.index.about[name] for name in ("files", "build_s", "update_s")}
        if self.weights.tuned and self.asked.tuned is not None:
            made["training_s"] = training_s(Path(self.asked.tuned))
        return made

    def _tried(self, measure: Callable[[], list[Any]], troubles: list[str]) -> list[Any]:
        """What the lanes' figures do not rest on cannot take them away: why there is none goes to `troubles`."""
        from tuner_tui.words import language

        try:
            return measure()
        except InputError as error:
            troubles.append(error.text(language()))
            self.tell("trouble", text=troubles[-1])
            return []

    def _judged(self, lanes: Sequence[Measurement]) -> list[Judged]:
        """Lanes whose every question was answered, against the first of them."""
        spec = self.recipe.judge
        said = {lane.label.value: lane.answers for lane in lanes if len(lane.answers) == len(self.held_out)}
        if spec is None or len(said) < 2:
            return []
        self.tell("judge", items=2 * len(self.held_out) * (len(said) - 1))
        questions, references = zip(*((each.question, each.completion) for each in self.held_out), strict=True)
        ask = judge.judge_of(self.recipe, self.device, **self.calls).verdicts
        return judge.judge_lanes(ask, spec, questions, references, said)

    def _tasks(self) -> list[TaskScore]:
        spec = self.spec
        return harness(self.weights, self.tokenizer, spec.tasks, spec.task_folder, spec.max_items) if spec.tasks else []

    def _broken(self, lane: Lane, error: InputError) -> Broken:
        from tuner_tui.words import language

        text = error.text(language())
        self.tell("broken", lane=lane.value, text=text)
        return Broken(label=lane, text=text, answered=self._answered)

    def lane(self, lane: Lane) -> Measurement:
        """One lane's prompts, answers, score and price."""
        self.tell("lane", lane=lane.value, items=len(self.held_out))
        self._answered = 0
        if lane.tuned and not self.weights.tuned:
            raise InputError("compare.not_tuned", lane=lane.value)
        if lane.remote:
            return self._asked(lane)
        with self.weights.of(tuned=lane.tuned) as model:
            prompts, shots = self._prompts(lane, model)
            with Peak(self.device) as peak:
                found = measure(
                    model,
                    self.tokenizer,
                    prompts,
                    self.spec,
                    max_length=room_of(model),
                    heard=partial(self._heard, lane),
                    constraint=self.constraint,
                    grade=self.grade,
                    tell=self._unscored,
                )
                times = self._latencies(model, prompts)
        lengths = [prompt_tokens(self.tokenizer, example) for example in prompts]
        said = [len(self.tokenizer(answer, add_special_tokens=False)["input_ids"]) for answer in found.answers]
        tokens = round(mean(lengths) + (mean(said) if said else 0.0), 1)
        return self._measured(lane, found, latency_ms=times, tokens=tokens, peak_gb=peak.gib, shots=shots)

    def _heard(self, lane: Lane, done: int) -> None:
        self._answered = done
        self.tell("item", lane=lane.value, done=done, items=len(self.held_out))

    def _asked(self, lane: Lane) -> Measurement:
        """The lane of an endpoint: its latencies are those of the answers when they were asked for."""
        remote = self.asked.remote
        if remote is None or self.endpoint is None:
            raise InputError("compare.no_endpoint", lane=lane.value)
        found = ask_all(
            self.endpoint,
            self._prompts(lane, None)[0],
            self.spec,
            partial(self._heard, lane),
            form=form_of(self.recipe.prompting),
            parallel=remote.parallel,
            grade=self.grade,
        )
        times = percentiles([each.seconds * 1000 for each in found.answers])
        cost = found.cost_per_1k(remote.price)
        if found.others(remote.model):
            self.tell("other_model", lane=lane.value, model=remote.model, models=", ".join(found.others(remote.model)))
        return self._measured(lane, found.measured, latency_ms=times, tokens=found.tokens(), cost_per_1k=cost)

    def _measured(
        self,
        lane: Lane,
        found: Measured,
        *,
        latency_ms: dict[str, float],
        tokens: float,
        cost_per_1k: float | None = None,
        peak_gb: float | None = None,
        shots: Shots | None = None,
    ) -> Measurement:
        self.tell("scored", lane=lane.value, score=found.score, low=found.low, high=found.high)
        whole = len(found.answers) == len(self.held_out)
        return Measurement(
            label=lane,
            metric=found.metric,
            score=found.score,
            low=found.low,
            high=found.high,
            latency_ms=latency_ms,
            tokens_per_request=tokens,
            cost_per_1k=cost_per_1k,
            peak_gb=peak_gb,
            shots=shots,
            groups=self._groups(found),
            also=perplexity(found.loss) | (self._also(found.answers) if whole else {}),
            values=found.values,
            answers=found.answers,
        )

    def _also(self, said: Sequence[str]) -> dict[str, float]:
        """What else the same answers say: texts against texts, and the recipe's reward where one is earned."""
        references = [example.completion for example in self.held_out]
        told = also(said, references, self.recipe.retrieval.absent)
        grpo = Objective.GRPO in self.recipe.parsed_label.objectives
        if self.spec.metric is not Metric.REWARD and (self.recipe.reward.python or grpo):
            questions = [example.question for example in self.held_out]
            told["reward"] = round(mean(rewards(self.recipe.reward, questions, said, references)), 4)
        return told

    def _prompts(self, lane: Lane, model: Any) -> tuple[list[Example], Shots | None]:
        told = None if lane.tuned else self.recipe.prompting.instruction
        asked = [instructed(example, told) for example in self.held_out]
        if lane is Lane.FEW_SHOT:
            train = [instructed(example, told) for example in self.train]
            few = FewShot(train, asked, self.tokenizer, self.spec)
            how = {"constraint": self.constraint, "grade": self.grade}
            shots = few.choose(model, choices_of(self.recipe.prompting), self._shots, **how)
            return few.prompts(asked, shots), shots
        if lane.retrieves and self.index is not None:
            return [grounded(example, self.index, self.marks) for example in asked], None
        return asked, None

    def _shots(self, done: int, items: int) -> None:
        self.tell("shots", lane=Lane.FEW_SHOT.value, done=done, items=items)

    def _latencies(self, model: Any, prompts: Sequence[Example]) -> dict[str, float]:
        """p50 and p95 of single requests, in milliseconds; the first one warms up and is not counted.

        Running text asks nothing: there it is what reading one takes.
        """
        times = []
        for example in [prompts[0], *prompts[:TIMED]]:
            start = time.perf_counter()
            if example.prompt:
                most = self.spec.max_new_tokens
                answers(model, self.tokenizer, [example], max_new_tokens=most, constraint=self.constraint)
            else:
                likelihoods(model, self.tokenizer, [(example, example.completion)], max_length=room_of(model))
            times.append((time.perf_counter() - start) * 1000)
        return percentiles(times[1:])

    def _groups(self, found: Measured) -> dict[str, float]:
        """The mean score of each `group` that the rows name."""
        if len(found.values) != len(self.held_out):
            return {}
        names = [str(row["group"]) if "group" in row else None for row in self.rows]
        groups: dict[str, list[float]] = {}
        for name, value in zip(names, found.values, strict=True):
            if name is not None:
                groups.setdefault(name, []).append(value)
        return {name: mean(values) for name, values in sorted(groups.items())}

    @cached_property
    def _found(self) -> list[list[Chunk]]:
        """For each question the passages that retrieval puts above it."""
        if self.index is None or not any(lane.retrieves for lane in self.asked.lanes):
            return []
        index = self.index
        return [[f.chunk for f in index.search(each.question, index.passages)] for each in self.held_out]

    def _used(self, lane: Measurement) -> list[str | None]:
        """Of each answer the passage that it rests on."""
        if not lane.label.retrieves or len(lane.answers) != len(self._found):
            return []
        absent, asked = self.recipe.retrieval.absent, zip(self.held_out, lane.answers, self._found, strict=True)
        return [passage_of(said, each.question, passages, absent) for each, said, passages in asked]

    def retrieved(self) -> Retrieved | None:
        """Recall and mean reciprocal rank of the document that each row names; None when rows name none."""
        asked = zip(self.held_out, self.rows, strict=True)
        named = [(each.question, doc) for each, row in asked if (doc := doc_of(row)) is not None]
        if self.index is None:
            return None
        return retrieved(self.index, named)


def compare(asked: Asked, device: str, tell: Tell) -> Compared:
    """Run the lanes on `device`; `tell(event, **fields)` hears of each. InputError: what cannot be compared."""
    return Bench(asked, device, tell).run()
