"""The shell: tables complete, answers kept, every step reachable by keys."""

from __future__ import annotations

import pytest
from textual.css.query import NoMatches

from tuner_tui import keys
from tuner_tui.app import TunerApp
from tuner_tui.words import words


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_key_has_a_word_and_a_line_of_help(lang: str) -> None:
    table = words(lang)
    for key in keys.KEYS:
        if key.id.startswith("step_"):
            continue
        assert table.has(f"keys.{key.id}"), key.id
        assert table.has(f"keys.{key.id}.help"), key.id


def test_primary_actions_avoid_plain_letters() -> None:
    for key in keys.KEYS:
        for pressed in key.keys.split(","):
            assert not (len(pressed) == 1 and pressed.isalpha()), key


def test_no_two_keys_of_one_scope_clash() -> None:
    seen: dict[tuple[str, str], str] = {}
    for key in keys.KEYS:
        for pressed in key.keys.split(","):
            assert (key.scope, pressed) not in seen, (key.id, seen.get((key.scope, pressed)))
            seen[(key.scope, pressed)] = key.id


async def test_the_palette_names_each_command_once_with_its_key(until) -> None:
    from tuner_tui.app import TunerApp

    app = TunerApp(lang="ko")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "data" and app.screen.focused)
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert len(titles) == len(set(titles))
        assert f"{words('ko').say('keys.advance')} (advance)  F4" in titles
        await pilot.press("ctrl+p")
        await until(pilot, lambda: app.screen.is_modal)
        await pilot.press(*"hardware")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "hardware")


def test_a_crash_exits_with_1_and_says_where_the_answers_are(capsys, monkeypatch) -> None:
    from tuner_tui import app as module

    def crash(self: TunerApp) -> None:
        raise RuntimeError("planted")

    run = TunerApp.run
    monkeypatch.setattr(TunerApp, "on_mount", crash)
    monkeypatch.setattr(TunerApp, "run", lambda self, **_: run(self, headless=True, size=(80, 24)))
    assert module.main(lang="en") == 1
    said = capsys.readouterr().err
    assert "planted" in said
    assert "draft.json" in said


async def test_a_widget_missed_while_the_app_is_left_is_no_crash(monkeypatch) -> None:
    told = []

    def miss(self: TunerApp) -> None:
        told.append(self.is_running)
        self._handle_exception(NoMatches("planted"))

    monkeypatch.setattr(TunerApp, "on_unmount", miss, raising=False)
    app = TunerApp(lang="en")
    async with app.run_test(size=(80, 24)):
        pass
    assert told == [False]
    assert app.return_code in (None, 0)


async def test_a_widget_missed_while_the_app_runs_is_a_crash() -> None:
    app = TunerApp(lang="en")

    async def lived() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            app.call_later(app.query_one, "#not-there")
            await pilot.pause()

    with pytest.raises(NoMatches):
        await lived()
    assert app.return_code == 1


async def test_no_widget_takes_a_key_that_its_screen_shows(until) -> None:
    """Textual's own widgets have keys too: F7 selects all in a text area, and once took `Rehearse` away."""
    from still_outside import WIZARD, StillOutside
    from textual.widget import Widget

    from tuner_tui.app import TunerApp

    app = TunerApp(lang="en", outside=StillOutside())
    async with app.run_test(size=(120, 40)) as pilot:
        app.change(WIZARD)
        for step in keys.STEPS:
            app.open_step(step)
            await until(pilot, lambda step=step: getattr(app.screen, "STEP", "") == step and app.screen.is_mounted)
            scope = [key for key in keys.KEYS if key.scope in (step, "step") and key.keys.startswith("f")]
            for widget in app.screen.query(Widget):
                if not widget.focusable:
                    continue
                widget.focus()
                await pilot.pause()
                bound = {pressed: active.binding.id for pressed, active in app.screen.active_bindings.items()}
                taken = [key.id for key in scope if bound.get(key.keys.split(",")[0], key.id) != key.id]
                assert taken == [], (step, widget)
