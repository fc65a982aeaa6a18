"""What a widget says comes from the words of the app's present language and changes when that changes."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tuner_tui.safe import clean
from tuner_tui.words import words


class Speaks(Widget):
    """A widget with words; `retranslate` is called when the language changes."""

    def say(self, key: str, /, **params: object) -> str:
        """The text of a key in the app's language."""
        return words(getattr(self.app, "lang", None)).say(key, **params)

    def knows(self, key: str) -> bool:
        """Whether the words have this key."""
        return words(getattr(self.app, "lang", None)).has(key)

    def retranslate(self) -> None:
        """Say everything anew."""


class Say(Static, Speaks):
    """One text by its key; foreign text goes in as a parameter, cleaned, and is never markup."""

    def __init__(self, key: str = "", /, *, id: str | None = None, classes: str | None = None, **params: Any) -> None:  # noqa: A002
        super().__init__("", id=id, classes=classes, markup=False)
        self._key = key
        self._params = params

    def on_mount(self) -> None:
        """The language is known once there is an app."""
        self.retranslate()

    def tell(self, key: str, /, **params: Any) -> None:
        """Say something else; nothing is drawn when it is the same."""
        if (key, params) != (self._key, self._params):
            self._key, self._params = key, params
            self.retranslate()

    def retranslate(self) -> None:
        """Say it in the present language."""
        if self.is_attached:
            safe = {name: clean(value, lines=True) for name, value in self._params.items()}
            self.update(self.say(self._key, **safe) if self._key else "")


class Plain(Static):
    """Text or content that was put together elsewhere; a plain string is never markup."""

    def __init__(self, text: str | Content = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(text, id=id, classes=classes, markup=False)
        self._shown: str | Content = text

    def show(self, text: str | Content) -> None:
        """Draw this text; nothing is sent when it is the same."""
        if text != self._shown or type(text) is not type(self._shown):
            self._shown = text
            self.update(text)


class Notice(Say):
    """One line that is either a text by its key, which follows the language, or content put together elsewhere."""

    _shown: str | Content = ""

    def show(self, text: str | Content) -> None:
        """Draw this text, which keeps its language; nothing is sent when it is the same."""
        if (text, "") != (self._shown, self._key):
            self._key, self._params, self._shown = "", {}, text
            self.update(text)

    def retranslate(self) -> None:
        """Only a text by its key can be said anew."""
        if self._key:
            super().retranslate()
