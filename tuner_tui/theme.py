"""Three themes with the same variable names; screens use the variables only, and a word beside every colour."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="tuner-dark",
    primary="#5FB3A8",
    secondary="#8FA8C4",
    accent="#E3B062",
    warning="#E3B062",
    error="#E8837A",
    success="#86C98F",
    foreground="#D7DFE1",
    background="#0F1518",
    surface="#151D21",
    panel="#1D282D",
    variables={
        "text-muted": "#8C9BA1",
        "rule": "#2C3A40",
        "curve-1": "#5FB3A8",
        "curve-2": "#E3B062",
        "curve-faint": "#3F5C5C",
        "block-cursor-background": "#24443F",
        "block-cursor-foreground": "#FFFFFF",
        "block-cursor-text-style": "bold",
        "on-primary": "#0B1113",
        "input-selection-background": "#5FB3A8 35%",
    },
)

LIGHT = Theme(
    name="tuner-light",
    primary="#0F6F66",
    secondary="#3C5878",
    accent="#8F5400",
    warning="#8F5400",
    error="#A8261E",
    success="#1D6E38",
    foreground="#1B2528",
    background="#F5F6F3",
    surface="#FFFFFF",
    panel="#E6EBE8",
    dark=False,
    variables={
        "text-muted": "#5A676C",
        "rule": "#C5CFCB",
        "curve-1": "#0F6F66",
        "curve-2": "#8F5400",
        "curve-faint": "#A9C6C2",
        "block-cursor-background": "#CBE3DF",
        "block-cursor-foreground": "#0B1113",
        "block-cursor-text-style": "bold",
        "on-primary": "#FFFFFF",
        "input-selection-background": "#0F6F66 25%",
    },
)

CONTRAST = Theme(
    name="tuner-contrast",
    primary="#00F0FF",
    secondary="#FFFFFF",
    accent="#FFE100",
    warning="#FFE100",
    error="#FF8A80",
    success="#7CFF8A",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#1A1A1A",
    variables={
        "text-muted": "#D8D8D8",
        "rule": "#FFFFFF",
        "curve-1": "#00F0FF",
        "curve-2": "#FFE100",
        "curve-faint": "#5F8F93",
        "block-cursor-background": "#00525A",
        "block-cursor-foreground": "#FFFFFF",
        "block-cursor-text-style": "bold",
        "on-primary": "#000000",
        "input-selection-background": "#FFE100 45%",
    },
)

THEMES = (DARK, LIGHT, CONTRAST)


FEW = ("standard", "windows")
"""Terminals of 16 colours, as Rich calls them: muted tones all become one grey there, and no cursor is seen."""


def first(wanted: str | None, colours: str | None) -> str:
    """The theme to begin with: the chosen one; else high contrast where there are few `colours`, dark elsewhere."""
    if wanted in {theme.name for theme in THEMES}:
        return str(wanted)
    return CONTRAST.name if colours in FEW else DARK.name


def after(name: str) -> Theme:
    """The theme that follows `name` when the theme key is pressed."""
    names = [theme.name for theme in THEMES]
    return THEMES[(names.index(name) + 1) % len(THEMES) if name in names else 0]
