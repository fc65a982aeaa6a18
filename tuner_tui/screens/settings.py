"""Settings take effect at once and stay; a key that would hide another one of the same place is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from rich.cells import cell_len, set_cell_size
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tuner_tui import keys, theme
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.pick import Pick
from tuner_tui.widgets.speaks import Plain, Say

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

CHARTS = ("braille", "ascii")


class KeyList(OptionList):
    """Every key with its action; while `waiting`, the next key pressed becomes the new one."""

    BINDINGS: ClassVar[Any] = keys.bindings("keylist")
    help_key = "settings.keys"
    waiting: str | None = None

    def on_key(self, event: events.Key) -> None:
        """The key that is to be the new one goes nowhere else."""
        if self.waiting is None:
            return
        event.stop()
        event.prevent_default()
        cast(SettingsScreen, self.screen).take(event.key)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a key is waited for, no key acts."""
        return self.waiting is None

    def action_unmap(self) -> None:
        """The key of the table again."""
        cast(SettingsScreen, self.screen).unmap()


class SettingsScreen(ModalScreen[None]):
    """Language, theme, charts, keys."""

    BINDINGS = keys.bindings("settings")
    help_key = "settings"

    @property
    def tuner(self) -> TunerApp:
        """The app, typed."""
        return cast("TunerApp", self.app)

    def compose(self) -> ComposeResult:
        """Three rows and the list of keys."""
        with Vertical(classes="dialog"):
            yield Say("settings.title", id="title")
            yield Pick("lang", "settings.lang", "settings.lang", ("ko", "en"))
            yield Pick("theme", "settings.theme", "theme", [each.name for each in theme.THEMES])
            yield Pick("charts", "settings.charts", "settings.charts", CHARTS)
            yield Say("settings.keys", id="keys-title", classes="accent")
            yield KeyList(id="keys", markup=False)
            yield Plain(id="said", classes="muted")
        yield KeyBar()

    def on_mount(self) -> None:
        """Show what is set."""
        self.retranslate()

    def retranslate(self) -> None:
        """All of it, as it is set now."""
        settings = self.tuner.settings
        self.query_one("#lang", Pick).show(self.tuner.lang)
        self.query_one("#theme", Pick).show(self.tuner.theme)
        self.query_one("#charts", Pick).show("ascii" if settings.ascii else "braille")
        listed = self.query_one(KeyList)
        at = listed.highlighted
        wide = max(cell_len(self._word(key)) for key in keys.KEYS) + 2
        listed.set_options(Option(self._line(key, wide)) for key in keys.KEYS)
        listed.highlighted = at or 0

    def _line(self, key: keys.Key, wide: int) -> Content:
        pressed = self.tuner.settings.keys.get(key.id, key.keys)
        labels = " / ".join(keys.label_of(each) for each in pressed.split(","))
        changed = key.id in self.tuner.settings.keys
        place = self.tuner.say(f"settings.scope.{key.scope}")
        word = set_cell_size(self._word(key), wide)
        return Content.assemble((f" {labels:<18}", "bold $accent" if changed else "bold"), word, (place, "$text-muted"))

    @on(Pick.Picked)
    def _picked(self, event: Pick.Picked) -> None:
        if event.name == "lang":
            self.tuner.speak(event.value)
        elif event.name == "theme":
            self.tuner.wear(event.value)
        else:
            self.tuner.keep(ascii=event.value == "ascii")

    @on(Pick.Entered)
    def _entered(self) -> None:
        self.focus_next()

    # -- keys --------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        key = keys.KEYS[event.option_index]
        self.query_one(KeyList).waiting = key.id
        self._tell("settings.press", "accent", action=self._word(key))

    def take(self, pressed: str) -> None:
        """The key that was pressed becomes the new one, unless it hides another."""
        listed = self.query_one(KeyList)
        key = keys.key_of(listed.waiting)
        listed.waiting = None
        if key is None or pressed == "escape":
            self._tell("settings.kept", "muted")
            return
        taken = keys.clash(key, pressed, self.tuner.settings.keys)
        if taken is not None:
            self._tell("settings.taken", "bad", key=keys.label_of(pressed), action=self._word(taken))
            return
        self._remap({**self.tuner.settings.keys, key.id: pressed})
        self._tell("settings.done", "good", key=keys.label_of(pressed), action=self._word(key))

    def unmap(self) -> None:
        """The highlighted action has the table's key again."""
        at = self.query_one(KeyList).highlighted
        if at is not None:
            mine = self.tuner.settings.keys
            self._remap({name: pressed for name, pressed in mine.items() if name != keys.KEYS[at].id})

    def _remap(self, mapped: dict[str, str]) -> None:
        self.tuner.keep(keys=mapped)
        self.tuner.set_keymap(mapped)
        self.retranslate()

    def _word(self, key: keys.Key) -> str:
        step = keys.step_of(key)
        return self.tuner.say(f"step.{step}" if step else f"keys.{key.id}")

    def _tell(self, key: str, style: str, /, **params: object) -> None:
        said = self.query_one("#said", Plain)
        said.set_classes(style)
        said.show(self.tuner.say(key, **params))

    def action_close(self) -> None:
        """Everything is kept already."""
        self.dismiss()
