"""The terminal, the locale and the login session: what is drawn well, read well, and outlives a logout."""

from __future__ import annotations

import locale
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuner_tui.doctor.check import Check, fail, good, warn
from tuner_tui.words import language

NARROWEST, SHORTEST = 80, 24
LOGIND = ("/etc/systemd/logind.conf", "/etc/systemd/logind.conf.d")


def checks() -> Iterator[Check]:
    """Encoding, terminal, size, colours, logout, hub account."""
    yield encoding(os.environ, locale.getpreferredencoding(False), getattr(sys.stdout, "encoding", None))
    terminal_ = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))
    yield terminal(os.environ, terminal_)
    if terminal_:
        yield size(*shutil.get_terminal_size())
    yield colours(os.environ)
    yield logout(Path("/"))
    yield account(os.environ)


def encoding(environ: Mapping[str, str], preferred: str, output: str | None) -> Check:
    """Text is UTF-8 from end to end, or Korean and the frames come out as question marks."""
    lang = language()
    named = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    wrong = [name for name in (preferred, output or "utf-8") if name.lower().replace("-", "") != "utf8"]
    if wrong:
        return fail("locale", "not_utf8", encoding=wrong[0], locale=named or "-")
    return good("locale", locale=named or "-", lang=lang)


def terminal(environ: Mapping[str, str], attached: bool) -> Check:
    """Whether the app can draw here."""
    kind = environ.get("TERM", "")
    if not attached:
        return good("terminal", "piped")
    if kind in ("", "dumb", "unknown"):
        return fail("terminal", "dumb", term=kind or "-")
    inside = "tmux" if environ.get("TMUX") else "screen" if environ.get("STY") else ""
    return good("terminal", f"in_{inside}" if inside else "ok", term=kind)


def size(columns: int, rows: int) -> Check:
    """The smallest window that shows everything."""
    known = {"columns": columns, "rows": rows, "narrowest": NARROWEST, "shortest": SHORTEST}
    return warn("size", "small", **known) if columns < NARROWEST or rows < SHORTEST else good("size", **known)


def colours(environ: Mapping[str, str]) -> Check:
    """How many colours will be used; each colour has a word beside it anyway."""
    if environ.get("NO_COLOR"):
        return good("colours", "none")
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return good("colours", "true")
    kind = environ.get("TERM", "")
    return (
        good("colours", "many", term=kind)
        if "256" in kind or "direct" in kind
        else warn("colours", "few", term=kind or "-")
    )


def logout(root: Path) -> Check:
    """Whether the system ends a user's processes at logout (systemd's KillUserProcesses), runs included."""
    texts = []
    for name in LOGIND:
        place = root / name.lstrip("/")
        texts += [place] if place.is_file() else sorted(place.glob("*.conf"))
    said = [
        found[1].lower()
        for path in texts
        for found in re.finditer(r"^\s*KillUserProcesses\s*=\s*(\w+)", path.read_text(errors="replace"), re.MULTILINE)
    ]
    if said and said[-1] in ("yes", "true", "1", "on"):
        return warn("logout", "kills")
    return good("logout")


def account(environ: Mapping[str, str]) -> Check:
    """Whether a hub token is there; its value is never read further than that."""
    named = next((name for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") if environ.get(name)), None)
    home = Path(environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    if named or (home / "token").is_file():
        return good("account", place=named or home / "token")
    return good("account", "none")
