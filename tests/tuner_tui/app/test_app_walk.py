"""The journey's first half by keys alone, in both languages and at both sizes, with the real parts behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.facts import Goal, Tried
from tuner_tui.app import TunerApp
from tuner_tui.keys import STEPS
from tuner_tui.state import load_draft
from tuner_tui.words import words

SIZES = [(80, 24), (120, 40)]


def step_of(app: TunerApp) -> str:
    return getattr(app.screen, "STEP", "home")


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("size", SIZES)
async def test_enter_walks_the_practice_answers_to_the_advice(lang: str, size: tuple[int, int], until) -> None:
    app = TunerApp(demo=True, lang=lang)
    async with app.run_test(size=size) as pilot:
        for step in STEPS[: STEPS.index("advice") + 1]:
            await until(pilot, lambda step=step: step_of(app) == step and app.screen.focused is not None)
            if step != "advice":
                await pilot.press("enter")
        await until(pilot, lambda: app.screen.advice is not None)
        assert app.screen.advice.label == "ft/style:lora"
        shown = app.screen.query_one("#words").plain
        assert words(lang).say("advice.why") in shown
        assert app.screen.advice.reasons[0].rule in shown


async def test_questions_are_answered_with_keys_and_survive_a_restart(until) -> None:
    app = TunerApp(lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("1")
        await until(pilot, lambda: step_of(app) == "goal")
        await pilot.press("down", "space", "enter")
        await until(pilot, lambda: app.wizard.facts.goals == [Goal.FRESH_KNOWLEDGE])
        await pilot.press("enter", "enter", "enter", "down", "down", "down", "enter")
        await until(pilot, lambda: app.wizard.facts.history.prompting == Tried.INSUFFICIENT)
        await pilot.press("f4", "escape")
        await until(pilot, lambda: step_of(app) == "goal")
        assert app.wizard.facts.goals == [Goal.FRESH_KNOWLEDGE]
    again = TunerApp(lang="ko")
    async with again.run_test(size=(80, 24)) as pilot:
        assert again.wizard.facts.history.prompting == Tried.INSUFFICIENT
        await pilot.press("enter")
        await until(pilot, lambda: step_of(again) == "goal")


async def test_the_language_changes_every_word_at_once(until) -> None:
    app = TunerApp(lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        for step in STEPS[:5]:
            app.open_step(step)
            await until(pilot, lambda step=step: step_of(app) == step and app.screen.is_mounted)
            for lang in ("ko", "en"):
                await pilot.press("f2")
                await until(pilot, lambda lang=lang: app.lang == lang)
                await pilot.pause()
                assert str(app.screen.query_one("#title").render()) == words(lang).say(f"step.{step}.title")


@pytest.mark.parametrize("step", STEPS[:5])
async def test_f1_explains_the_step_and_lists_its_keys(step: str, until) -> None:
    app = TunerApp(lang="ko")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step(step)
        await until(pilot, lambda: step_of(app) == step and app.screen.focused is not None)
        await pilot.press("f1")
        await until(pilot, lambda: app.screen.query("#body"))
        await pilot.pause()
        shown = app.screen.query_one("#body").plain
        assert words("ko").say(f"help.step.{step}") in shown
        assert words("ko").say("keys.advance.help") in shown
        await pilot.press("escape")
        await until(pilot, lambda: step_of(app) == step)


async def test_help_on_a_method_explains_its_terms(until) -> None:
    app = TunerApp(demo=True, lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        app.open_step("advice")
        await until(pilot, lambda: step_of(app) == "advice" and app.screen.advice is not None)
        app.screen.query_one("#ranking").focus()
        await pilot.press("f1")
        await until(pilot, lambda: app.screen.query("#body"))
        await pilot.pause()
        assert words("en").say("term.lora") in app.screen.query_one("#body").plain


async def test_a_method_that_was_ruled_out_is_taken_only_after_its_price(until) -> None:
    app = TunerApp(demo=True, lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("advice")
        await until(pilot, lambda: step_of(app) == "advice" and app.screen.advice is not None)
        app.screen.query_one("#ranking").focus()
        await pilot.press("end")
        ruled_out = app.screen.advice.ranking[-1]
        assert ruled_out.verdict == "vetoed"
        await pilot.press("f5")
        await until(pilot, lambda: type(app.screen).__name__ == "OverrideScreen")
        await pilot.press("enter")
        await until(pilot, lambda: step_of(app) == "advice")
        assert app.wizard.preferred is None
        await pilot.press("f5")
        await until(pilot, lambda: type(app.screen).__name__ == "OverrideScreen")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.wizard.preferred == ruled_out.label)


async def test_another_gpu_moves_the_answer_and_is_never_mixed_up_with_this_machine(until) -> None:
    app = TunerApp(lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.reading.machine is not None and app.wizard.facts.hardware.ram_gb)
        real = app.wizard.facts.hardware
        app.open_step("hardware")
        await until(pilot, lambda: step_of(app) == "hardware" and app.screen.focused is not None)
        app.screen.query_one("#vram_gb").focus()
        await pilot.press("home", "shift+end", "2", "4")
        await until(pilot, lambda: app.wizard.facts.hardware.gpus[0].vram_gb == 24)
        assert app.wizard.simulated
        await pilot.press("f5")
        await until(pilot, lambda: not app.wizard.simulated)
        assert app.wizard.facts.hardware.gpus == real.gpus


async def test_a_model_folder_is_read_from_its_own_files(tmp_path: Path, until) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architectures": ["LlamaForCausalLM"]}))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ x }}"}))
    header = json.dumps({"w": {"dtype": "BF16", "shape": [1000, 2000], "data_offsets": [0, 4_000_000]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4_000_000))
    app = TunerApp(lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("model")
        await until(pilot, lambda: app.screen.query("#model_path"))
        app.screen.query_one("#model_path").value = str(folder)
        await until(pilot, lambda: app.wizard.facts.model.params_b == 0.002)
        assert app.wizard.facts.model.kind == "instruct"
        app.screen.query_one("#model_path").value = str(tmp_path / "nothing")
        await until(pilot, lambda: "nothing" in str(app.screen.query_one("#said").render()))


async def test_a_broken_draft_is_kept_aside_and_the_app_opens(until) -> None:
    from tuner_tui.state import draft_path

    draft_path().parent.mkdir(parents=True)
    draft_path().write_text('{"version": 1, "step": 7')
    app = TunerApp(lang="en")
    async with app.run_test(size=(80, 24)):
        assert app.wizard.facts.goals == []
    assert draft_path().with_suffix(".json.bad").read_text().startswith('{"version"')
    assert load_draft() is None or load_draft() == app.wizard


async def test_a_key_is_remapped_and_one_in_use_is_refused(until) -> None:
    app = TunerApp(lang="en")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("f9")
        await until(pilot, lambda: app.screen.query("#keys"))
        app.screen.query_one("#keys").focus()
        await pilot.press("down", "down", "down", "enter", "f5")
        await pilot.pause()
        assert app.settings.keys == {}
        await pilot.press("enter", "f12")
        await until(pilot, lambda: app.settings.keys == {"advance": "f12"})
        await pilot.press("escape", "1")
        await until(pilot, lambda: step_of(app) == "goal")
        await pilot.press("f12")
        await until(pilot, lambda: step_of(app) == "data")


async def test_what_if_moves_the_answer_and_changes_nothing_unless_taken(until) -> None:
    app = TunerApp(demo=True, lang="en")
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("advice")
        await until(pilot, lambda: step_of(app) == "advice" and app.screen.advice is not None)
        paths = [path for path in (app.wizard.data_path, app.wizard.eval_path, app.wizard.docs_path) if path]
        # What is still being read would change the answers by itself.
        await until(pilot, lambda: app.reading.probed and all(path in app.reading.inspections for path in paths))
        before = app.wizard.facts
        for leave, taken in (("escape", False), ("enter", True)):
            await pilot.press("f7")
            await until(pilot, lambda: app.screen.query("#answer") and app.screen.query_one("#answer").plain)
            await pilot.press("down", "down", *["right"] * 7)
            shown = app.screen.query_one("#answer")
            await until(pilot, lambda shown=shown: words("en").say("whatif.other") in shown.plain)
            await pilot.press(leave)
            await until(pilot, lambda: step_of(app) == "advice")
            assert (app.wizard.facts != before) is taken
        assert app.wizard.facts.model.params_b >= 8
