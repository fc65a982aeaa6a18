"""Keys and tokens are taken out of whatever is written down: by their form, and by their value where we hold it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO, cast
from urllib.parse import quote

GONE = "[redacted]"
SHORTEST = 8
LONGEST = 1 << 12
CHUNK = 1 << 20

# Hugging Face, OpenAI and Anthropic, AWS, GitHub, GitLab, Slack, Google, signed web tokens, keys in PEM, what headers
# carry, and the password of an address.
SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{20,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{30,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY(?:.*?END [A-Z ]*PRIVATE KEY)?"
    r"|\b(?:Bearer|Basic) (?=[^\s\"']*[0-9=])[A-Za-z0-9._~+/=-]{16,}"
    r"|\b[Xx]-[Aa][Pp][Ii]-[Kk]ey[\"']?: ?[\"']?[^\s\"']{8,}"
    r"|(?<=[?&])(?:api[-_]?key|access_token|token|sig|signature)=[^&\s\"']{8,}"
    r"|(?<=://)[^\s/:@\"']{1,64}:[^\s/@\"']{1,128}(?=@)",
    re.DOTALL,
)
# Passwords may hold an @: the last one before the host ends them.
_ADDRESS = re.compile(r"://[^\s/:@]*:([^\s/]+)@")
_NAMED = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY"
    r"|(?:^|_)(?:KEY|PASS|PWD|PAT|AUTH|BEARER|COOKIE)(?:_|$)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?:PATH|FILE|DIR|HOME|SOCK)$", re.IGNORECASE)
_told: set[str] = set()


def hold(value: str) -> None:
    """From now on this process takes this value out too: a key whose variable is named like no key."""
    if len(value) >= SHORTEST:
        _told.add(value)


def held(environ: Mapping[str, str] | None = None) -> list[str]:
    """The values of environment variables that are named like keys, passwords of their addresses and what `hold` was
    told, each also as JSON, Python, addresses and headers write it, the longest first."""
    here = os.environ if environ is None else environ
    values = {value for name, value in here.items() if _NAMED.search(name) and not _is_place(name, value)}
    values |= {password for value in here.values() for password in _ADDRESS.findall(value)}
    long = {value for value in values if len(value) >= SHORTEST}
    return sorted({form for value in long | _told for form in _forms(value)}, key=len, reverse=True)


def _is_place(name: str, value: str) -> bool:
    """The name of a file is no key: SSH_KEY_PATH=/home/me/.ssh/id, SSH_AUTH_SOCK=/tmp/agent. A key may begin with /."""
    return value.startswith(("/", "~", ".")) and bool(_PLACE.search(name) or os.path.lexists(value[:LONGEST]))


def _forms(value: str) -> set[str]:
    quoted = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    raw = value.encode(errors="surrogateescape")
    return {value, quote(raw, safe=""), base64.b64encode(raw).decode().rstrip("="), *quoted}


def without(values: Iterable[str]) -> Callable[[str], str]:
    """A function that takes just these values out of a text, in each form that they may have there.

    What is too short to be a key stays: it could be any word.
    """
    long = {value for value in values if len(value) >= SHORTEST}
    forms = sorted({form for value in long for form in _forms(value)}, key=len, reverse=True)
    exact = re.compile("|".join(map(re.escape, forms))) if forms else None
    return lambda text: exact.sub(GONE, text) if exact else text


def redactor(environ: Mapping[str, str] | None = None) -> Callable[[str], str]:
    """A function that takes keys and tokens out of a text, those that `hold` is told of later too."""
    known, exact = len(_told), without(held(environ))

    def redact(text: str) -> str:
        nonlocal known, exact
        if len(_told) != known:
            known, exact = len(_told), without(held(environ))
        return exact(SECRET.sub(GONE, text))

    return redact


def redact(text: str) -> str:
    """The text without keys and tokens, those of this environment too."""
    return redactor()(text)


def redacted(value: Any, clean: Callable[[str], str]) -> Any:
    """Plain data with every text in it, however deep, without keys."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {redacted(key, clean): redacted(item, clean) for key, item in value.items()}
    return [redacted(item, clean) for item in value] if isinstance(value, list | tuple) else value


def mask(path: Path) -> int:
    """Overwrite every key in a file, byte for byte where it stands, so that whoever follows the file is not disturbed.

    For what libraries print past Python's own streams. Returns how many there were; a file that cannot be opened has
    none.
    """
    values = held()
    # Variables and files alike hold bytes that are no UTF-8.
    raw = [value.encode(errors="surrogateescape").decode("latin-1") for value in values]
    exact = re.compile("|".join(map(re.escape, raw))) if raw else None
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
