"""Keys and tokens are taken out of whatever is written down: by their form, and by their value where we hold it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO, cast

GONE = "[redacted]"
SHORTEST = 8
LONGEST = 1 << 12
CHUNK = 1 << 20

# Hugging Face, OpenAI and Anthropic, AWS, GitHub, GitLab, Slack, Google, signed web tokens, keys in PEM, and the
# password of an address.
SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{20,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{30,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY(?:.*?END [A-Z ]*PRIVATE KEY)?"
    r"|(?<=[?&])(?:api[-_]?key|access_token|token|sig|signature)=[^&\s\"']{8,}"
    r"|(?<=://)[^\s/:@\"']{1,64}:[^\s/@\"']{1,128}(?=@)",
    re.DOTALL,
)
_NAMED = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY", re.IGNORECASE)


def held(environ: Mapping[str, str] | None = None) -> list[str]:
    """The values of environment variables that are named like keys, the longest first."""
    here = os.environ if environ is None else environ
    values = {value for name, value in here.items() if _NAMED.search(name) and len(value) >= SHORTEST}
    # The name of a file or a switch is no key: TOKENIZERS_PARALLELISM=false, SSH_KEY_PATH=/home/me/.ssh/id.
    return sorted((value for value in values if not value.startswith(("/", "~", "."))), key=len, reverse=True)


def redactor(environ: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """A function that takes keys and tokens out of a text."""
    values = held(environ)
    exact = re.compile("|".join(map(re.escape, values))) if values else None

    def redact(text: str) -> str:
        text = SECRET.sub(GONE, text)
        return exact.sub(GONE, text) if exact else text

    return redact


def redact(text: str) -> str:
    """The text without keys and tokens, those of this environment too."""
    return redactor()(text)


def redacted(value: Any, clean: Callable[[str], str]) -> Any:
    """Plain data with every text in it, however deep, without keys."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: redacted(item, clean) for key, item in value.items()}
    return [redacted(item, clean) for item in value] if isinstance(value, list | tuple) else value


def mask(path: Path) -> int:
    """Overwrite every key in a file, byte for byte where it stands, so that whoever follows the file is not disturbed.

    For what libraries print past Python's own streams. Returns how many there were; a file that cannot be opened has
    none.
    """
    values = held()
    exact = re.compile("|".join(re.escape(value.encode().decode("latin-1")) for value in values)) if values else None
    found: set[tuple[int, int]] = set()
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            at = 0
            while data := os.pread(descriptor, CHUNK + LONGEST, at):
                text = data.decode("latin-1")  # one character a byte
                for match in [*SECRET.finditer(text), *(exact.finditer(text) if exact else ())]:
                    os.pwrite(descriptor, b"*" * len(match.group()), at + match.start())
                    found.add((at + match.start(), len(match.group())))
                at += CHUNK
        finally:
            os.close(descriptor)
    return len(found)


class Shield:
    """A text stream that lets no key through; everything else about the stream is as it was."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._redact = stream, redactor()

    def write(self, text: str) -> int:
        """Write what is left of the text."""
        self._stream.write(self._redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Each line as `write` does."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def shield() -> None:
    """From now on this process prints no key."""
    sys.stdout = cast("TextIO", Shield(sys.stdout))
    sys.stderr = cast("TextIO", Shield(sys.stderr))
