"""A field is one row: its name in the present language, and an input; a number is refused while it is none."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from tuner_tui.keys import bindings
from tuner_tui.safe import clean
from tuner_tui.widgets.path_input import PathInput
from tuner_tui.widgets.speaks import Say

MOST = 1e12


class Field(Horizontal):
    """Name and input; `unit` is a key of words shown after it."""

    BINDINGS: ClassVar[Any] = bindings("field")
    DEFAULT_CSS = """
    Field { height: 1; width: 1fr; }
    Field > .name { width: 16; color: $text-muted; }
    Field:focus-within > .name { color: $foreground; }
    Field > Input { width: 1fr; }
    Field > .unit { width: auto; padding-left: 1; color: $text-muted; }
    """

    class Edited(Message):
        """The person typed; for numbers `value` is a number or None (unknown), and only when it is one."""

        def __init__(self, name: str, value: Any) -> None:
            self.name, self.value = name, value
            super().__init__()

    class Entered(Message):
        """Enter in this field."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(self, name: str, label: str, *, number: bool = False, whole: bool = False, unit: str = "") -> None:
        super().__init__(id=f"field-{name}")
        self.field, self._label, self._number, self._whole, self._unit = name, label, number, whole, unit
        self.help_key = f"field.{name}"

    def compose(self) -> ComposeResult:
        """Name, input, unit."""
        yield Say(self._label, classes="name")
        if self._number:
            yield Input(id=self.field, restrict=r"[0-9.]*", max_length=12, select_on_focus=False)
        else:
            yield self.make_input()
        if self._unit:
            yield Say(self._unit, classes="unit")

    def make_input(self) -> Input:
        """The input of a text field."""
        return Input(id=self.field, max_length=300, select_on_focus=False)

    @property
    def input(self) -> Input:
        """Its input."""
        return self.query_one(Input)

    def show(self, value: Any) -> None:
        """Put a value in, unless it says the same already or the person is typing in it."""
        shown = self.input
        text = "" if value is None else f"{value:.10g}" if isinstance(value, float) else clean(value)
        if shown.value == text or (shown.has_focus and self._read(shown.value) == value):
            return
        with self.prevent(Input.Changed):
            shown.value = text
            shown.cursor_position = len(text)

    def hint(self, text: str) -> None:
        """What stands in the empty field."""
        if self.input.placeholder != text:
            self.input.placeholder = text

    def _read(self, text: str) -> Any:
        text = text.strip()
        if not text:
            return None
        if not self._number:
            return text
        try:
            number = int(text) if self._whole else float(text)
        except ValueError:
            return ...
        return number if number < MOST else ...

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if clean(event.value) != event.value:  # a paste may hold anything; what is safe stays and comes back here
            event.input.value = clean(event.value)
            return
        value = self._read(event.value)
        event.input.set_class(value is ..., "-invalid")
        if value is not ...:
            self.post_message(self.Edited(self.field, value))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Entered(self.field))


class PathField(Field):
    """A field for a path, with completion."""

    def make_input(self) -> Input:
        """An input that completes."""
        return PathInput(self.field)
