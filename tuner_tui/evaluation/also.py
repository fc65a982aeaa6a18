"""Beside the metric that decides, whatever else the same answers say; a figure that would mean nothing is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner_tui.evaluation.absences import count_absences
from tuner_tui.evaluation.interval import mean
from tuner_tui.evaluation.refusals import count_refusals
from tuner_tui.evaluation.scorers import exact_match, is_json, normalise, rouge_l, token_f1

LABELS = 20


def also(answers: Sequence[str], references: Sequence[str], absent: str | None = None) -> dict[str, float]:
    """Figures of 0..1 by name, for at least one answer.

    Always exact match, token F1, ROUGE-L, chrF and BLEU (both as sacrebleu computes them over all answers); accuracy
    and macro-F1 where the references are labels; JSON validity where they are JSON; refusals and over-refusals where
    some should be refused, or were; "not in the documents" (or the sentence `absent`) where that is a wanted answer.
    """
    pairs = list(zip(answers, references, strict=True))
    found = {
        "exact_match": mean([exact_match(*pair) for pair in pairs]),
        "token_f1": mean([token_f1(*pair) for pair in pairs]),
        "rouge_l": mean([rouge_l(*pair) for pair in pairs]),
        **_corpus(answers, references),
    }
    labels = [normalise(reference) for reference in references]
    if 1 < len(set(labels)) <= LABELS and len(labels) >= 2 * len(set(labels)):
        found["accuracy"] = found["exact_match"]
        found["macro_f1"] = macro_f1([normalise(answer) for answer in answers], labels)
    if all(is_json(reference) for reference in references):
        found["json_valid"] = mean([float(is_json(answer)) for answer in answers])
    found |= _refusals(answers, references) | count_absences(answers, references, absent)
    return {name: round(value, 4) for name, value in found.items()}


def _refusals(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    counted = count_refusals(references, answers)
    named = {"refused": counted.refused, "over_refused": counted.over_refused}
    if counted.refused is None and not counted.over_refused:
        return {}
    return {name: value for name, value in named.items() if value is not None}


def perplexity(loss: float | None) -> dict[str, float]:
    """e to the loss: of how many equally likely tokens each wanted one is; nothing where no loss is known."""
    return {} if loss is None else {"perplexity": round(math.exp(min(loss, 700.0)), 4)}


def macro_f1(answers: Sequence[str], labels: Sequence[str]) -> float:
    """The mean over the references' labels of each label's F1; an answer that is no label is simply wrong."""
    scores = []
    for label in sorted(set(labels)):
        hits = sum(answer == label == wanted for answer, wanted in zip(answers, labels, strict=True))
        said, wanted_ = sum(answer == label for answer in answers), sum(wanted == label for wanted in labels)
        scores.append(2 * hits / (said + wanted_))
    return mean(scores)


def _corpus(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    from sacrebleu.metrics import BLEU, CHRF

    wanted = [list(references)]
    bleu, chrf = BLEU(effective_order=True), CHRF()
    return {
        "chrf": chrf.corpus_score(list(answers), wanted).score / 100,
        "bleu": bleu.corpus_score(list(answers), wanted).score / 100,
    }
