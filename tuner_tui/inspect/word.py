"""A Word file becomes plain text, its headings marked as in Markdown; what it holds is never run or fetched."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from tuner_tui.inspect.rows import Bad

MAX_BYTES = 1 << 26
BODY, STYLES = "word/document.xml", "word/styles.xml"
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def is_word(file: Path | IO[bytes]) -> bool:
    """Whether a ZIP archive is a Word file."""
    try:
        with zipfile.ZipFile(file) as archive:
            return BODY in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def word_text(file: Path | IO[bytes]) -> str | Bad:
    """The paragraphs of a Word file (ECMA-376), a blank line between them; Bad where it is damaged or a bomb.

    Entities are refused, so that a small file cannot grow huge.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            root = _xml(archive, BODY)
            styles = _xml(archive, STYLES) if STYLES in archive.namelist() else None
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError, RuntimeError, ValueError) as error:
        return Bad("word_damaged", type(error).__name__)
    levels = _levels(styles)
    paragraphs = (
        (_level(each, levels), "".join(node.text or "" for node in each.iter(f"{WORD}t")))
        for each in root.iter(f"{WORD}p")
    )
    return "\n\n".join(f"{'#' * level} {text}" if level else text for level, text in paragraphs if text.strip())


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    info = archive.getinfo(name)
    if info.file_size > MAX_BYTES:
        raise ValueError(name)
    raw = archive.read(info)
    if re.search(rb"<!(DOCTYPE|ENTITY)", raw):
        raise ValueError(name)
    return ElementTree.fromstring(raw)


def _levels(styles: ElementTree.Element | None) -> dict[str, int]:
    """The heading level of each paragraph style that is one: its name is `heading N` in every language of Word."""
    found = {"Title": 1, **{f"Heading{level}": level for level in range(1, 7)}}
    for style in styles.iter(f"{WORD}style") if styles is not None else ():
        name = style.find(f"{WORD}name")
        match = re.fullmatch(r"heading ([1-6])", name.get(f"{WORD}val", "").lower()) if name is not None else None
        if match:
            found[style.get(f"{WORD}styleId", "")] = int(match.group(1))
    return found


def _level(paragraph: ElementTree.Element, levels: dict[str, int]) -> int:
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    return levels.get(style.get(f"{WORD}val", ""), 0) if style is not None else 0
