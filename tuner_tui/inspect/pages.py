"""HTML and PDF become plain text: what a reader would see, headings marked as in Markdown, without hidden parts."""

from __future__ import annotations

import logging
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import IO

from tuner_tui.inspect.rows import Bad

HIDDEN = frozenset({"script", "style", "head", "template", "noscript", "svg", "math"})
HEADS = tuple(f"h{level}" for level in range(1, 7))
BREAKS = frozenset(
    {*HEADS, "p", "div", "br", "li", "ul", "ol", "tr", "table", "section", "article", "header", "footer"}
    | {"blockquote", "pre"}
)
BREAK = "\x1e"
"""Stands between paragraphs until blanks are put together: the record separator, which is no text."""
PAGES_MOST, CHARS_MOST = 5000, 1 << 26
DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,30})", re.IGNORECASE)


def looks_like_html(head: bytes) -> bool:
    """Whether a text begins as an HTML page does."""
    return (
        re.match(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", head[:4096], re.I | re.S) is not None
    )


def declared_encoding(head: bytes) -> str | None:
    """The encoding that a page names for itself."""
    found = DECLARED.search(head[:4096])
    return found.group(1).decode() if found else None


def html_text(page: str) -> str:
    """What a reader sees of a page, a blank line between paragraphs."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split(BREAK))
    return "\n\n".join(line for line in lines if line.strip("# "))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        if tag == "body":
            self._hidden = 0
        if tag in BREAKS:
            self.parts.append(BREAK)
        if tag in HEADS:
            self.parts.append(f"{'#' * int(tag[1])} ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(self._hidden - (tag in HIDDEN), 0)
        if tag in BREAKS:
            self.parts.append(BREAK)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data.replace(BREAK, " "))


def pdf_text(file: Path | IO[bytes]) -> str | Bad:
    """The text of all pages, a blank line between them; Bad where there is none, a password or damage."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(file)
        if reader.is_encrypted and not reader.decrypt(""):
            return Bad("pdf_locked")
        pages, size = [], 0
        for page in reader.pages[:PAGES_MOST]:
            pages.append(page.extract_text().strip())
            size += len(pages[-1])
            if size > CHARS_MOST:
                return Bad("row_too_large")
    except Exception as error:  # a damaged PDF raises anything; the file is named and the others go on
        return Bad("pdf_damaged", type(error).__name__)
    text = "\n\n".join(filter(None, pages))
    return text if text.strip() else Bad("pdf_no_text")
