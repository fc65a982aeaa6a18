"""Every key of the app stands in this one table; bindings, footer, help and palette are all read from it.

Primary actions use F-keys, Enter, Esc, Tab, arrows, digits and ctrl+letter, because a Korean input method
swallows plain letters. A key's words are `keys.ID` (footer, palette) and `keys.ID.help` (help).
"""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding

STEPS = ("goal", "data", "model", "hardware", "advice", "plan", "run", "results", "export")


ROWS = ("field", "pick", "steps")
"""Rows of a form, between which Up and Down move."""


class Key(NamedTuple):
    """One row: `scope` says which screen or widget owns it; `shown` = worth a place in the footer."""

    id: str
    keys: str
    action: str
    scope: str
    shown: bool = True
    priority: bool = False


KEYS: tuple[Key, ...] = (
    Key("choose", "space", "choose", "answers"),
    Key("accept", "enter", "accept", "answers"),
    Key("open", "enter", "select", "menu"),
    Key("advance", "f4,ctrl+n", "advance", "step"),
    Key("back", "escape", "back", "step"),
    Key("inspect", "f5", "inspect", "data"),
    Key("browse", "f6", "browse", "data"),
    Key("heldout", "f7", "browse_eval", "data", False),
    Key("documents", "f8", "browse_docs", "data", False),
    Key("see_rows", "f10,ctrl+o", "rows", "data"),
    Key("make_ready", "ctrl+r", "make_ready", "data"),
    Key("lead", "enter", "select", "problems"),
    Key("earlier", "left", "screen.earlier", "rows"),
    Key("later", "right", "screen.later", "rows"),
    Key("odd", "f6", "screen.odd", "rows"),
    Key("browse_model", "f6", "browse_model", "model"),
    Key("previous", "left", "previous", "pick", False),
    Key("following", "right,space", "following", "pick"),
    Key("on", "enter", "enter", "pick", False),
    Key("take", "enter", "select", "picker"),
    Key("upwards", "left,backspace", "up", "picker"),
    Key("probe", "f5", "probe", "hardware"),
    Key("prefer", "f5", "prefer", "advice"),
    Key("mark", "space", "mark", "ranking"),
    Key("compare", "f6", "compare", "advice"),
    Key("what_if", "f7", "what_if", "advice"),
    Key("less", "left", "less", "steps"),
    Key("more", "right,space", "more", "steps"),
    Key("today", "delete,backspace", "today", "steps", False),
    *(Key(f"{scope}_up", "up", "app.focus_previous", scope, False) for scope in ROWS),
    *(Key(f"{scope}_down", "down", "app.focus_next", scope, False) for scope in ROWS),
    Key("apply", "enter,f4", "apply", "whatif"),
    Key("leave_whatif", "escape", "cancel", "whatif"),
    Key("begin", "f4", "begin", "prepare"),
    Key("leave_prepare", "escape", "cancel", "prepare"),
    Key("finish", "escape,ctrl+q,ctrl+c", "finish", "inline"),
    Key("reset_recipe", "f5", "reset", "plan"),
    Key("rehearse", "f7", "rehearse", "plan", priority=True),
    Key("set_value", "f6", "edit", "plan", False, True),
    Key("stop", "f8", "stop", "run"),
    Key("zoom", "f5", "zoom", "run"),
    Key("pane", "f7", "pane", "run"),
    Key("scale", "f6", "scale", "run"),
    Key("resume", "ctrl+r", "resume", "run"),
    Key("coach", "f10,ctrl+o", "coach", "run"),
    Key("runlist", "ctrl+l", "runlist", "run"),
    Key("replay", "ctrl+y", "replay", "run", False),
    Key("find", "ctrl+f", "find", "run", False),
    Key("attach", "enter", "select", "runs"),
    Key("overlay", "space", "overlay", "runlist"),
    Key("write", "f5", "write", "export"),
    Key("sample_next", "f5", "sample_next", "results"),
    Key("others", "f6", "others", "results"),
    Key("bake_off", "f7", "bakeoff", "results"),
    Key("only", "f8", "only", "results"),
    Key("begin_bakeoff", "enter,f4", "begin", "bakeoff"),
    Key("question", "f5", "question", "bakeoff"),
    Key("differing", "f6", "differing", "bakeoff"),
    Key("leave_bakeoff", "escape", "cancel", "bakeoff"),
    Key("close", "escape,enter", "close", "modal"),
    Key("done", "escape", "close", "settings"),
    Key("unmap", "delete,backspace", "unmap", "keylist"),
    Key("cancel", "escape", "cancel", "dialog"),
    *(Key(f"step_{n}", str(n), f"go('{step}')", "app", False) for n, step in enumerate(STEPS, 1)),
    Key("help", "f1", "help", "app", True, True),
    Key("language", "f2", "language", "app", True, True),
    Key("theme", "f3", "next_theme", "app", False, True),
    Key("settings", "f9", "settings", "app", False, True),
    Key("palette", "ctrl+p", "command_palette", "app", True, True),
    Key("quit", "ctrl+q", "quit", "app", True, True),
)

INSIDE = (
    "answers",
    "menu",
    "modal",
    "dialog",
    "picker",
    "pick",
    "settings",
    "keylist",
    "steps",
    "whatif",
    "field",
    "inline",
    "problems",
    "rows",
    "prepare",
    "bakeoff",
    "runs",
    "ranking",
)
"""Scopes inside a list or a dialog."""

_BY_ID = {key.id: key for key in KEYS}
_RANK = {key.id: rank for rank, key in enumerate(KEYS)}

_NAMES = {
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "delete": "Del",
    "left": "Left",
    "right": "Right",
    "up": "Up",
    "down": "Down",
    "backspace": "Backspace",
}


def bindings(scope: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """The Textual bindings of one scope; ids make them remappable."""
    return [
        Binding(key.keys, key.action, key.id, show=key.shown, priority=key.priority, id=key.id)
        for key in KEYS
        if key.scope == scope
    ]


def key_of(binding_id: str | None) -> Key | None:
    """The row of a binding id."""
    return _BY_ID.get(binding_id or "")


def in_palette(key: Key) -> bool:
    """Whether the palette offers this key: what moves inside a list or dialog makes no sense from there."""
    return key.scope not in INSIDE and not step_of(key)


def step_of(key: Key) -> str | None:
    """The step that a digit jumps to."""
    return STEPS[int(key.keys) - 1] if key.id.startswith("step_") else None


def clash(key: Key, pressed: str, mapped: dict[str, str]) -> Key | None:
    """The action that this key has already where `key` works: in its own place, or everywhere."""
    for other in KEYS:
        together = key.scope == other.scope or "app" in (key.scope, other.scope) or "step" in (key.scope, other.scope)
        if other.id != key.id and together and pressed in mapped.get(other.id, other.keys).split(","):
            return other
    return None


def rank_of(binding_id: str) -> int:
    """The place of a key in footer and help: the table's order."""
    return _RANK[binding_id]


def label_of(pressed: str) -> str:
    """How a key is written for people: `f4` -> `F4`, `ctrl+p` -> `Ctrl+P`."""
    if pressed in _NAMES:
        return _NAMES[pressed]
    head, plus, tail = pressed.rpartition("+")
    return f"{head.capitalize()}{plus}{tail.upper()}" if plus else pressed.upper()
