"""Every theme can be read: contrast by WCAG 2.2 (4.5 for text, 7 in the high-contrast theme)."""

from __future__ import annotations

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from tuner_tui.theme import CONTRAST, DARK, LIGHT, THEMES, after, first


def luminance(color: Color) -> float:
    """Relative luminance by WCAG 2.2."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def pairs(theme: Theme) -> dict[str, tuple[str, str]]:
    named = theme.variables
    texts = {
        name: str(getattr(theme, name))
        for name in ("foreground", "primary", "secondary", "accent", "warning", "error", "success")
    }
    texts["text-muted"] = named["text-muted"]
    found = {}
    for name, color in texts.items():
        for ground in ("background", "surface", "panel"):
            found[f"{name} on {ground}"] = (color, str(getattr(theme, ground)))
    found["cursor"] = (named["block-cursor-foreground"], named["block-cursor-background"])
    found["on primary"] = (named["on-primary"], str(theme.primary))
    return found


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_text_stands_out_from_its_ground(theme: Theme) -> None:
    least = 7.0 if theme is CONTRAST else 4.5
    poor = {name: round(contrast(*pair), 2) for name, pair in pairs(theme).items() if contrast(*pair) < least}
    assert poor == {}


def test_the_theme_key_goes_round() -> None:
    name = THEMES[0].name
    for _ in THEMES:
        name = after(name).name
    assert name == THEMES[0].name
    assert after("somebody else's").name == THEMES[0].name


def test_with_16_colours_the_first_theme_still_shows_where_the_cursor_is() -> None:
    """In the dark theme the cursor's ground and that of the screen became the same black."""
    chosen = next(theme for theme in THEMES if theme.name == first(None, "standard"))
    cursor, ground = str(chosen.variables["block-cursor-background"]), str(chosen.background)
    few = [RichColor.parse(colour.lower()).downgrade(ColorSystem.STANDARD).number for colour in (cursor, ground)]
    assert few[0] != few[1]
    assert first(None, "truecolor") == first("no such theme", "256") == DARK.name
    assert first(LIGHT.name, "standard") == LIGHT.name
