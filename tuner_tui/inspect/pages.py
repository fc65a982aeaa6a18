"""HTML and PDF become plain text: what a reader would see, without marks, scripts or hidden parts."""

from __future__ import annotations

import logging
import re
from html.parser import HTMLParser
from pathlib import Path

from tuner_tui.inspect.rows import Bad

HIDDEN = frozenset({"script", "style", "head", "template", "noscript", "svg", "math"})
BREAKS = frozenset(
    ["p", "div", "br", "li", "ul", "ol", "tr", "table", "section", "article", "header", "footer", "blockquote", "pre"]
    + [f"h{level}" for level in range(1, 7)]
)
PAGES_MOST, CHARS_MOST = 5000, 1 << 26
BLANKS = re.compile(r"[ \t\xa0]+")
LINES = re.compile(r"\s*\n\s*\n\s*")
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
    """What a reader sees of a page, one paragraph a line."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    text = BLANKS.sub(" ", "".join(reader.parts))
    return LINES.sub("\n", text).strip()


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
            self.parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(self._hidden - (tag in HIDDEN), 0)
        if tag in BREAKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def pdf_text(path: Path) -> str | Bad:
    """The text of all pages, a blank line between them; Bad where there is none, a password or damage."""
    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            return Bad("pdf_locked", path.name)
        pages, size = [], 0
        for page in reader.pages[:PAGES_MOST]:
            pages.append(page.extract_text().strip())
            size += len(pages[-1])
            if size > CHARS_MOST:
                return Bad("row_too_large", path.name)
    except Exception as error:  # a damaged PDF raises anything; the file is named and the others go on
        return Bad("pdf_damaged", f"{path.name}: {type(error).__name__}")
    text = "\n\n".join(filter(None, pages))
    return text if text.strip() else Bad("pdf_no_text", path.name)
