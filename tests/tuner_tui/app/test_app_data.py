"""Step 2: what a file holds is read, counted as facts, and forgotten with its path."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tuner_tui.app import TunerApp
from tuner_tui.outside import Outside
from tuner_tui.paths import samples
from tuner_tui.state import load_draft


def _pairs(path: Path, rows: int) -> Path:
    lines = (json.dumps({"instruction": f"Question {n}?", "output": f"Answer {n}."}) for n in range(rows))
    path.write_text("\n".join(lines) + "\n")
    return path


def _rows(path: Path) -> int:
    return len(path.read_text().splitlines())


async def test_rows_of_a_typed_path_become_facts(tmp_path: Path, until) -> None:
    path = _pairs(tmp_path / "rows.jsonl", 30)
    app = TunerApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#data_path"))
        app.screen.query_one("#data_path").value = str(path)
        await until(pilot, lambda: app.wizard.facts.data.instruction_pairs == 30)
        assert load_draft() == app.wizard
        await pilot.press("end", "x")
        await until(pilot, lambda: app.wizard.data_path == f"{path}x")
        assert app.wizard.facts.data.instruction_pairs == 0


async def test_a_missing_file_is_said_and_nothing_is_counted(tmp_path: Path, until) -> None:
    missing = tmp_path / "nothing.jsonl"
    app = TunerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#data_path"))
        app.screen.query_one("#data_path").value = str(missing)
        await until(pilot, lambda: str(missing) in app.reading.inspections)
        await pilot.pause()
        shown = app.screen.query_one("#found").render()
        assert "nothing.jsonl" in str(shown)
        assert app.wizard.facts.data.instruction_pairs == 0


async def test_a_file_is_picked_with_keys_alone(tmp_path: Path, until, monkeypatch) -> None:
    _pairs(tmp_path / "rows.jsonl", 12)
    monkeypatch.chdir(tmp_path)
    app = TunerApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#data_path"))
        await pilot.press("f6")
        await until(pilot, lambda: app.screen.query("#entries") and app.screen.query_one("#entries").option_count > 2)
        await pilot.press("tab", *"rows", "enter")
        await until(pilot, lambda: app.wizard.facts.data.instruction_pairs == 12)


async def test_markup_and_escapes_in_data_are_drawn_as_text(tmp_path: Path, until) -> None:
    path = tmp_path / "trap.jsonl"
    rows = [{"instruction": "[red]hi[/x] \x1b[2J", "output": "\u202eabc"} for _ in range(3)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    app = TunerApp()
    async with app.run_test(size=(120, 40)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#data_path"))
        app.screen.query_one("#data_path").value = str(path)
        await until(pilot, lambda: app.reading.found(str(path)) is not None)
        await until(pilot, lambda: "[red]hi[/x]" in str(app.screen.query_one("#preview").render()))
        shown = str(app.screen.query_one("#preview").render())
        assert "\x1b" not in shown
        assert "\u202e" not in shown


async def test_hangul_names_are_found_however_the_file_system_writes_them(tmp_path: Path, until, monkeypatch) -> None:
    import unicodedata

    _pairs(tmp_path / unicodedata.normalize("NFD", "학습.jsonl"), 7)
    _pairs(tmp_path / "other.jsonl", 3)
    monkeypatch.chdir(tmp_path)
    app = TunerApp(lang="ko")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#data_path"))
        await pilot.press("f6")
        await until(pilot, lambda: app.screen.query("#entries") and app.screen.query_one("#entries").option_count > 2)
        app.screen.query_one("#filter").focus()
        app.screen.query_one("#filter").value = "학습"
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, lambda: app.wizard.facts.data.instruction_pairs == 7)


async def test_a_folder_is_read_when_it_is_entered_not_while_it_is_typed(tmp_path: Path, until) -> None:
    (tmp_path / "one.md").write_text("# One\n\nA document with some words in it.\n")
    app = TunerApp(lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#docs_path"))
        app.screen.query_one("#docs_path").value = str(tmp_path)
        await until(pilot, lambda: app.wizard.docs_path == str(tmp_path))
        await until(pilot, lambda: not app.reading.looking(str(tmp_path)))
        assert str(tmp_path) not in app.reading.inspections
        app.screen.query_one("#docs_path").focus()
        await pilot.press("enter")
        await until(pilot, lambda: app.wizard.facts.data.documents == 1)


def _faulty(path: Path) -> Path:
    rows = [{"instruction": f"Question {n}?", "output": f"Answer {n}."} for n in range(40)]
    rows[11]["output"] = ""
    rows[29]["output"] = ""
    rows[35] = rows[34]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


async def test_a_problem_leads_to_its_rows(tmp_path: Path, until) -> None:
    path = _faulty(tmp_path / "rows.jsonl")
    app = TunerApp(lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        app.change(msgspec.structs.replace(app.wizard, data_path=str(path)))
        app.open_step("data")
        await until(pilot, lambda: app.reading.found(str(path)) is not None)
        await until(pilot, lambda: app.screen.query("#problems") and app.screen.query_one("#problems").option_count)
        app.screen.query_one("#problems").focus()
        await pilot.press("enter")
        await until(pilot, lambda: type(app.screen).__name__ == "RowScreen" and app.screen._found is not None)
        for wanted, key in ((12, "f6"), (30, "right"), (31, "left"), (30, "f6"), (12, "escape")):
            await until(pilot, lambda wanted=wanted: app.screen._found.number == wanted)
            await pilot.press(key)
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "data")


@pytest.mark.skipif(not (samples() / "model" / "tokenizer.json").is_file(), reason="needs the practice model")
async def test_a_row_is_shown_as_the_model_reads_it_with_marks_for_what_is_trained(until) -> None:
    app = TunerApp(demo=True, lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.reading.found(app.wizard.data_path) is not None)
        app.open_step("data")
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "data")
        await pilot.press("f10")
        await until(pilot, lambda: type(app.screen).__name__ == "RowScreen" and app.screen._found is not None)
        lines = str(app.screen.query_one("#tokens").render()).splitlines()
        assert [line[:2] for line in lines if "<|" in line] == [". ", "# "]
        assert lines[-1].endswith("<|end|>")
        assert not lines[-1].startswith(".")


@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_data_is_made_ready_by_keys_and_is_the_data_from_then_on(lang: str, tmp_path: Path, until) -> None:
    path = _faulty(tmp_path / "rows.jsonl")
    before = path.read_bytes()
    app = TunerApp(lang=lang)
    async with app.run_test(size=(80, 24)) as pilot:
        app.change(msgspec.structs.replace(app.wizard, data_path=str(path)))
        app.open_step("data")
        await until(pilot, lambda: app.reading.found(str(path)) is not None)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: type(app.screen).__name__ == "PrepareScreen" and app.screen.focused)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen._made is not None)
        assert app.screen._made.dropped == {"empty_output": 2, "duplicates": 1}
        await until(pilot, lambda: not app.screen.query_one("#begin").has_class("-active"))
        await pilot.press("enter")
        ready = tmp_path / "rows-ready"
        await until(pilot, lambda: app.wizard.data_path == str(ready / "train.jsonl"))
        assert app.wizard.eval_path == str(ready / "test.jsonl")
        await until(pilot, lambda: app.wizard.facts.data.instruction_pairs == _rows(ready / "train.jsonl"))
    assert path.read_bytes() == before


async def test_columns_under_other_names_are_named_in_the_app(tmp_path: Path, until) -> None:
    path = tmp_path / "rows.csv"
    lines = [f"Thing {n},Detail {n}" for n in range(20)]
    path.write_text("\n".join(["alpha,beta", *lines]) + "\n")
    app = TunerApp(lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        app.change(msgspec.structs.replace(app.wizard, data_path=str(path)))
        app.open_step("data")
        await until(pilot, lambda: app.reading.found(str(path)) is not None)
        assert app.reading.found(str(path)).kind is None
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.screen.query("#steps-column-1"))
        app.screen.query_one("#steps-column-0").focus()
        await pilot.press("right", "tab", "right", "right", "f4")
        await until(pilot, lambda: app.screen._made is not None)
        await pilot.press("f4")
        await until(pilot, lambda: app.wizard.facts.data.instruction_pairs > 0)


def test_the_lengths_of_rows_are_drawn_as_columns() -> None:
    from tuner_tui.widgets.histogram import columns, told

    assert columns([0, 1, 4, 2], 4, 1, ascii_only=True) == [" .#:"]
    assert columns([0, 0, 1, 1, 4, 4, 2, 2], 4, 1) == [" ⣀⣿⣤"]
    assert columns([1, 1000], 2, 2, ascii_only=True) == [" #", ".#"]
    assert told({10: 5, 20: 4, 30: 1, 40: 0}) == (10, 30, 30)
    assert told({}) is None


def test_chat_messages_are_shown_as_who_said_what() -> None:
    from tuner_tui.widgets.inspection import turns

    assert turns('[{"role":"user","content":"Hi"},{"from":"gpt","value":"Hello"}]') == [
        ("user", "Hi"),
        ("gpt", "Hello"),
    ]
    assert turns('[{"role":"user","content":"cut o') == []
    assert turns('[{"price": 3}]') == []
    assert turns("plain") == []


class SlowDisk(Outside):
    """Every block of rows takes half a second to come."""

    def inspect(self, path: str, lang: str, model: str | None, test: str | None, heard: Any) -> Any:
        def late(rows: int, share: float | None) -> None:
            heard(rows, share)
            time.sleep(0.5)

        return super().inspect(path, lang, model, test, late)


async def test_a_huge_file_shows_how_far_it_is_and_escape_ends_it_while_keys_go_on(tmp_path: Path, until) -> None:
    path = tmp_path / "rows.jsonl"
    line = json.dumps({"instruction": "Question? " * 10, "output": "Answer. " * 20}) + "\n"
    path.write_text("".join(line.replace("Question", f"Question {n}") for n in range(20_000)))
    app = TunerApp(lang="en", outside=SlowDisk())
    async with app.run_test(size=(80, 24)) as pilot:
        app.change(msgspec.structs.replace(app.wizard, data_path=str(path)))
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#found") and app.reading.progress.get(str(path)))
        await until(pilot, lambda: "Esc stops it" in str(app.screen.query_one("#found").render()))
        assert "%" in str(app.screen.query_one("#found").render())
        await pilot.press("f2")
        assert app.lang == "ko"
        await pilot.press("f2", "escape")
        await until(pilot, lambda: not app.reading.looking(str(path)))
        assert getattr(app.screen, "STEP", "") == "data"
        assert "stopped" in str(app.screen.query_one("#found").render())
        assert app.wizard.facts.data.instruction_pairs == 0
        await app.workers.wait_for_complete()


async def test_a_tick_of_progress_while_the_screen_is_taken_down_is_no_crash(until) -> None:
    app = TunerApp(lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "data" and app.screen.is_mounted)
        await app.screen.query("#found").remove()
        app.reading.progress[""] = object()
        app.screen._progress()
        await app.screen.query("InspectionPanel").remove()
        app.screen._progress()


async def test_text_with_lost_characters_is_brought_back_by_wish_in_the_app(tmp_path: Path, until) -> None:
    path = _pairs(tmp_path / "rows.jsonl", 20)
    broken = "안녕하세요. 오늘은 날씨가 좋네요.".encode().decode("cp949", "replace")
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"instruction": "And now?", "output": broken}) + "\n")
    app = TunerApp(lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        app.change(msgspec.structs.replace(app.wizard, data_path=str(path)))
        app.open_step("data")
        await until(pilot, lambda: app.reading.found(str(path)) is not None)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.screen.query("#steps-gaps"))
        app.screen.query_one("#steps-gaps").focus()
        await pilot.press("right", "f4")
        await until(pilot, lambda: app.screen._made is not None)
        assert app.screen._made.repaired == {"mojibake_lossy": 1}


async def test_problems_are_said_in_the_language_of_the_moment(tmp_path: Path, until) -> None:
    path = _pairs(tmp_path / "rows.jsonl", 4)
    app = TunerApp(lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#data_path"))
        app.screen.query_one("#data_path").value = str(path)
        await until(pilot, lambda: app.screen.query_one("#problems").option_count == 1)
        said = [str(app.screen.query_one("#problems").get_option_at_index(0).prompt)]
        await pilot.press("f2")
        await pilot.pause()
        said.append(str(app.screen.query_one("#problems").get_option_at_index(0).prompt))
        assert "Only 4 rows" in said[0]
        assert "4행" in said[1]
        assert "Only" not in said[1]
