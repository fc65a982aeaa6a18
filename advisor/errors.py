"""Bad input is one kind of error: it names what is wrong, where, and what to do about it."""

from __future__ import annotations


class InputError(ValueError):
    """What the user gave cannot be used; the command line prints it and exits with 2.

    `code` is a locale key (`errors.<code>`), `params` its placeholders. The text is looked up when it is
    shown, so that the same error speaks Korean and English.
    """

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(code)

    def text(self, lang: str = "en") -> str:
        """The message in one language: what, where, the remedy, and the code that `tuner explain` expands."""
        from advisor.words import words

        return f"{words(lang).say(f'errors.{self.code}', **self.params)} [{self.code}]"

    def __str__(self) -> str:
        return self.text("en")


class Refused(InputError):
    """Nothing is wrong with what was given, but it does not fit here; the command line exits with 3."""
