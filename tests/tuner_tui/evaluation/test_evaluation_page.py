"""The page of a comparison loads nothing and runs nothing; its filters work without a script, its texts stay texts."""

from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.cells import cell_len

from tuner_tui.compared import lane_rows, lanes_tables, notes, table
from tuner_tui.evaluation.page import outcome_for, page
from tuner_tui.words import words

HOSTILE = "</pre><script>alert(1)</script><img src=http://evil.example onerror=x><style>*{display:none}</style>"


class Seen(HTMLParser):
    """Elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


RESTS = (
    {"cites": None, "blame": "retrieval"},
    {"cites": f"a.md{HOSTILE}#1", "blame": None},
    {"cites": "a.md#1", "blame": None},
    {"cites": "a.md#1", "blame": "answer"},
)


def lane(label: str, score: float) -> dict[str, Any]:
    return {
        "label": label,
        "metric": "exact_match",
        "score": score,
        "low": score,
        "high": score,
        "latency_ms": {"p50": 1.0, "p95": 2.0},
        "tokens_per_request": 3.0,
        "peak_gb": None,
        "difference_to_best": {"real": False, "mean": 0.0, "p": 1.0},
        "also": {"exact_match": score, "bleu": 0.25},
    }


def document() -> dict[str, Any]:
    scores = [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 0.0)]
    return {
        "lanes": [lane("zero_shot", 0.5), lane("rag", 0.5)],
        "verdict": {"label": "rag", "text": f"Take it. {HOSTILE}"},
        "failed": [{"label": "api", "answered": 2, "text": HOSTILE}],
        "answers": [
            {
                "question": f"{HOSTILE} {at}",
                "reference": HOSTILE,
                "passages": ["a.md#1"],
                "lanes": {
                    "zero_shot": {"answer": HOSTILE, "score": first},
                    "rag": {"answer": HOSTILE, "score": second, **RESTS[at]},
                },
            }
            for at, (first, second) in enumerate(scores)
        ],
    }


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_judge_tasks_groups_and_what_could_not_be_measured_stand_on_the_page(lang: str) -> None:
    told, found = words(lang), document()
    found["judged"] = [
        {"label": "rag", "over": "zero_shot", "win_rate": 0.613, "low": 0.5, "high": 0.7, "agreement": 0.871}
    ]
    found["tasks"] = [{"task": "arc_easy", "metric": "acc", "base": 0.251, "tuned": 0.252, "error": 0.1}]
    found |= {"skipped": ["b.pdf holds no text"], "troubles": ["the judge was silent"], "seen": 3, "items": 4}
    shown = page(found, goal=0.9, lang=lang, say=told.say, notes=notes(found, told))
    for text in (
        "0.613",
        "0.871",
        "arc_easy",
        "0.251",
        "0.252",
        "b.pdf",
        "silent",
        told.say("compare.page.also"),
        "BLEU",
    ):
        assert text in shown, text


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_what_answers_cost_what_had_to_be_made_and_a_chance_too_small_to_write_are_told(lang: str) -> None:
    told, found = words(lang), document()
    found["made"] = {"index": {"files": 13, "build_s": 0.277, "update_s": None}, "training_s": 227.8}
    assert told.say("compare.table.cost") not in page(found, goal=0.9, lang=lang, say=told.say)
    found["lanes"][1] |= {"cost_per_1k": 0.04125, "difference_to_best": {"real": True, "mean": 0.5, "p": 0.0005}}
    for shown in (page(found, goal=0.9, lang=lang, say=told.say, notes=notes(found, told)), table(found, told)):
        plain = unescape(shown)
        for text in (told.say("compare.table.cost"), "0.0413", "p < 0.001", "0.28", "228"):
            assert text in plain, text


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_hostile_text_stays_text_and_nothing_is_loaded_or_run(lang: str) -> None:
    shown = page(document(), goal=0.9, lang=lang, say=words(lang).say, notes=notes(document(), words(lang)))
    found = Seen(shown).found
    assert {tag for tag, _ in found} == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "svg", "text", "rect", "line",
        "table", "thead", "tbody", "tr", "th", "td", "pre", "section", "input", "label",
    }  # fmt: skip
    assert [tag for tag, _ in found].count("style") == 1
    assert not any({"src", "href", "action", "onerror"} & attrs.keys() for _, attrs in found)
    assert shown.count("&lt;script&gt;") > 4


def test_wins_losses_and_ties_can_be_chosen_by_css_alone() -> None:
    shown = page(document(), goal=0.9, lang="en", say=words("en").say)
    found = Seen(shown).found
    chosen = [attrs["id"] for tag, attrs in found if tag == "input"]
    assert chosen == ["split", "win", "loss", "tie", "all"]
    assert [attrs["for"] for tag, attrs in found if tag == "label"] == chosen
    assert [attrs.get("class") for tag, attrs in found if tag == "tr"].count("win") == 1
    assert "retrieval (RAG) wins (1)" in shown
    assert "ties (2)" in shown
    assert all(f"#{name}:checked ~ table" in shown for name in chosen)
    assert "[a.md#1]" in shown
    assert shown.count("← a.md#1") == 2
    assert [shown.count(text) for text in ("not found: retrieval", "there: the model", "← no passage")] == [1, 1, 1]


def test_the_outcome_is_that_of_the_chosen_lane_against_the_best_of_the_others() -> None:
    row = {"lanes": {"rag": {"score": 0.5}, "ft": {"score": 0.2}, "few_shot": {"score": 0.7}}}
    assert [outcome_for(row, name) for name in ("few_shot", "rag", "api")] == ["win", "loss", "tie"]
    assert outcome_for(row, "ft", -1.0) == "win"
    assert outcome_for({"lanes": {"ft": {"score": 1.0}}}, "ft") == "tie"


def test_without_a_difference_all_questions_are_shown_at_first() -> None:
    same = document()
    same["answers"] = same["answers"][2:]
    shown = page(same, goal=0.9, lang="en", say=words("en").say)
    assert "id=all checked" in shown


@pytest.mark.parametrize("room", [44, 60, 200, None])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_columns_that_do_not_fit_stand_below_and_none_is_left_out(lang: str, room: int | None) -> None:
    told, found = words(lang), document()
    parts = lanes_tables(found, told, room)
    assert room is None or max(cell_len(line) for part in parts for line in part) <= room
    assert (len(parts) == 1) == (room is None or room == 200)
    heads = [column for part in parts for column in part[0].split("  ") if column]
    assert [head.strip() for head in heads if head.strip() != told.say("compare.table.lane")] == lane_rows(
        found["lanes"], told.say
    )[0][1:]
