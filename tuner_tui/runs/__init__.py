"""The run directory as protocol between the process that trains and whoever watches. No torch, no textual."""

# Errors raised here speak the words of this package.
import tuner_tui.words as _words

__all__: list[str] = []
del _words
