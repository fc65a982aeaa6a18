"""The app routes: it holds the answers, the language and the theme, opens screens, and never does a screen's work.

Its exit code is true: 0 for leaving, 1 for a crash, 128 + signal when the terminal was taken away.
"""

from __future__ import annotations

import os

# Textual reads it once, at import; with the protocol on some terminals drop Hangul.
os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")

import importlib
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec
from textual.app import App, SystemCommand
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.events import DescendantFocus
from textual.filter import LineFilter
from textual.reactive import reactive
from textual.screen import Screen
from textual.signal import Signal

from tuner_tui import keys, theme
from tuner_tui.door import Door
from tuner_tui.outside import Outside, Unavailable
from tuner_tui.reading import Reading
from tuner_tui.state import (
    Settings,
    Wizard,
    counted,
    draft_path,
    load_draft,
    load_settings,
    save,
    save_settings,
    with_hardware,
)
from tuner_tui.words import language, words

MODULES = {"export": "export_screen"}
DOOR = Door()


def _screen(name: str) -> Callable[[], Screen[Any]]:
    """A screen is imported when it is first shown."""

    def make() -> Screen[Any]:
        module: Any = importlib.import_module(f"tuner_tui.screens.{MODULES.get(name, name)}")
        screen: Screen[Any] = getattr(module, f"{name.title()}Screen")()
        return screen

    return make


class TunerApp(App[None]):
    """One journey in one terminal."""

    TITLE = "tuner"
    CSS_PATH = ["app.tcss", "screens/home.tcss"]
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = [*keys.bindings("app")]
    SCREENS = {name: _screen(name) for name in keys.STEPS}
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (108, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-short"), (32, "-tall")]

    lang: reactive[str] = reactive("en", init=False)

    def __init__(self, *, demo: bool = False, lang: str | None = None, outside: Outside | None = None) -> None:
        super().__init__()
        self.demo = demo
        self.outside = outside or Outside()
        self.settings: Settings = load_settings()
        self.wizard: Wizard = Wizard()
        self.reading = Reading(self)
        self.wizard_changed: Signal[Wizard] = Signal(self, "wizard")
        for each in theme.THEMES:
            self.register_theme(each)
        self.theme = theme.first(self.settings.theme, self.console.color_system)
        self.set_reactive(TunerApp.lang, language(lang or os.environ.get("TUNER_LANG") or self.settings.lang))

    def get_default_screen(self) -> Screen[Any]:
        """Home is below everything."""
        return _screen("home")()

    def say(self, key: str, /, **params: object) -> str:
        """The text of a key in the present language."""
        return words(self.lang).say(key, **params)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, so that a foreign theme works too."""
        return theme.DARK.variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and the last door."""
        return [*super().get_line_filters(), DOOR]

    def on_mount(self) -> None:
        """Remapped keys, the draft, the first screen; slow things fill in afterwards."""
        self.set_keymap(self.settings.keys)
        self.reading.changed.subscribe(self, self._read)
        if self.demo:
            self.start_practice()
        else:
            self.wizard = load_draft() or Wizard()
            self._look_at_answers()
        self._restore_terminal_on_signals()

    def _handle_exception(self, error: Exception) -> None:
        """A widget that is missed while the app takes its screens down is no crash; all else is."""
        if self.is_running or not isinstance(error, NoMatches):
            super()._handle_exception(error)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """No cursor blinks: nothing is sent to the terminal while nothing changes."""
        if hasattr(event.widget, "cursor_blink"):
            event.widget.cursor_blink = False

    # -- answers -----------------------------------------------------------------------------------------------

    def change(self, wizard: Wizard) -> None:
        """Take the new answers, save the draft, tell whoever shows them."""
        if wizard == self.wizard:
            return
        self.wizard = wizard
        if not save(wizard, draft_path()):
            self.notify(self.say("app.draft_unsaved"), severity="warning", markup=False)
        self.wizard_changed.publish(wizard)

    def start_new(self) -> None:
        """An empty wizard."""
        self._start(Wizard())

    def start_practice(self) -> None:
        """The practice answers, filled in."""
        from tuner_tui.practice import practice_wizard

        try:
            self._start(practice_wizard(self.outside))
        except Unavailable:
            self.notify(self.say("app.no_practice"), severity="error", markup=False)

    def _start(self, wizard: Wizard) -> None:
        self.reading.forget()
        self.change(wizard)
        self._look_at_answers()
        self.open_step("goal")

    def _look_at_answers(self) -> None:
        """Read what the answers name, so that later steps find it read."""
        self._read("machine")
        for name in ("eval_path", "data_path", "docs_path"):
            self.reading.look_at(getattr(self.wizard, name), self.reading.against(self.wizard, name))

    def _read(self, what: str) -> None:
        """What was read of this machine and of the data are answers too, unless another machine is simulated."""
        wizard = self.wizard
        if what == "machine" and self.reading.machine is not None and not wizard.simulated:
            wizard = with_hardware(wizard, self.reading.machine.hardware)
        for name in ("data_path", "docs_path"):
            if what == getattr(wizard, name):
                wizard = counted(wizard, name, self.reading.found(what))
        self.change(wizard)

    # -- ways --------------------------------------------------------------------------------------------------

    def open_step(self, step: str) -> None:
        """Show a step; the way back to home stays below it."""
        self.change(msgspec.structs.replace(self.wizard, step=step))
        while isinstance(self.screen, Screen) and self.screen.is_modal:
            self.pop_screen()
        if len(self.screen_stack) > 1:
            self.switch_screen(step)
        else:
            self.push_screen(step)

    def go_home(self) -> None:
        """Back to home, from wherever one is."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_go(self, step: str) -> None:
        """Jump to a step."""
        if not self.screen.is_modal:
            self.open_step(step)

    def open_run(self, run_id: str) -> None:
        """Attach to a run."""
        self.change(msgspec.structs.replace(self.wizard, run_id=run_id))
        self.open_step("run")

    # -- language, theme, help, leaving ------------------------------------------------------------------------

    def action_language(self) -> None:
        """The other language, everywhere, now."""
        self.speak("en" if self.lang == "ko" else "ko")

    def speak(self, lang: str) -> None:
        """This language, everywhere, now and next time."""
        self.lang = lang
        self.keep(lang=lang)

    def watch_lang(self) -> None:
        """Every widget that speaks says its words anew."""
        for screen in self.screen_stack:
            for widget in (screen, *screen.query("*")):
                retranslate = getattr(widget, "retranslate", None)
                if retranslate is not None:
                    retranslate()
            if hasattr(screen, "spoken"):
                screen.spoken = self.lang

    def action_next_theme(self) -> None:
        """Dark, light, high contrast."""
        self.wear(theme.after(self.theme).name)
        self.notify(f"{self.say('keys.theme')}: {self.say(f'theme.{self.theme}')}", timeout=2, markup=False)

    def wear(self, name: str) -> None:
        """This theme, now and next time."""
        self.theme = name
        self.keep(theme=name)

    def keep(self, **changes: Any) -> None:
        """Change settings and keep them."""
        self.settings = msgspec.structs.replace(self.settings, **changes)
        save_settings(self.settings)

    def action_settings(self) -> None:
        """Language, theme, charts, keys."""
        from tuner_tui.screens.settings import SettingsScreen

        if not self.screen.is_modal:
            self.push_screen(SettingsScreen())

    def action_help(self) -> None:
        """Explain what has the focus, and list the keys."""
        from tuner_tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_command_palette(self) -> None:
        """The palette, in the present language."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=self.say("palette.search"), id="--command-palette"))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Every key that works now, and every step, with a Latin alias beside Korean words."""
        seen = {"palette"}
        for pressed, active in screen.active_bindings.items():
            key = keys.key_of(active.binding.id)
            if key and active.enabled and keys.in_palette(key) and key.id not in seen:
                seen.add(key.id)
                title = f"{self._titled(f'keys.{key.id}', key.id)}  {keys.label_of(pressed)}"
                yield SystemCommand(title, self.say(f"keys.{key.id}.help"), self._runner(active))
        for step in keys.STEPS:
            title = self._titled(f"step.{step}", step)
            yield SystemCommand(title, self.say(f"step.{step}.title"), partial(self.open_step, step))

    def _titled(self, key: str, alias: str) -> str:
        return f"{self.say(key)} ({alias})" if self.lang == "ko" else self.say(key)

    def _runner(self, active: Any) -> Callable[[], Any]:
        return lambda: self.call_later(self.run_action, active.binding.action, active.node)

    def action_help_quit(self) -> None:
        """Ctrl+C says how to leave; it never kills."""
        self.notify(self.say("app.how_to_quit"), timeout=3, markup=False)

    async def action_quit(self) -> None:
        """Leave; when a run of this session is alive, ask first."""
        from tuner_tui.screens.leaving import leave

        await leave(self)

    def _restore_terminal_on_signals(self) -> None:
        """SIGTERM and SIGHUP leave as a key would, so that the terminal is put right."""
        import asyncio

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            try:
                loop.add_signal_handler(number, self.exit, None, 128 + number)
            except (NotImplementedError, RuntimeError, ValueError):
                return


def main(demo: bool = False, lang: str | None = None) -> int:
    """Open the app, with the practice answers filled in when `demo`; returns its exit code."""
    app = TunerApp(demo=demo, lang=lang)
    app.run()
    if app.return_code == 1:
        from tuner_tui import crash

        bundle = crash.keep(app._exception, "app") if app._exception else None
        print(app.say("app.crashed", draft=draft_path(), bundle=bundle or "-"), file=sys.stderr)
    return app.return_code or 0
