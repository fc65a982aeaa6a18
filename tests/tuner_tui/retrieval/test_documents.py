"""Structure is kept from every kind of file; a passage is measured in the tokens of the model that reads it."""

from __future__ import annotations

import os
import unicodedata
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from advisor.errors import InputError
from tuner_tui.retrieval.build import build
from tuner_tui.retrieval.chunks import SENTENCE, Chunk, chunks
from tuner_tui.retrieval.documents import Document, listed, read
from tuner_tui.retrieval.measure import tokens

MODEL = Path(__file__).resolve().parents[3] / "samples" / "model"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SAID = "The price of Lumora is 12,300 won. 솔바람 가격은 5,000원입니다. It weighs 3 kg. "


def docx(path: Path, paragraphs: list[tuple[str | None, str]], styles: str = "") -> None:
    body = "".join(
        f"<w:p>{f'<w:pPr><w:pStyle w:val={chr(34)}{style}{chr(34)}/></w:pPr>' if style else ''}"
        f"<w:r><w:t>{text}</w:t></w:r></w:p>"
        for style, text in paragraphs
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>')
        if styles:
            archive.writestr("word/styles.xml", f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>')


def pdf(path: Path, pages: list[str]) -> None:
    """A PDF by hand: one content stream a page, a standard font, a correct cross-reference table."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for text in pages:
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {len(objects) + 2} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    out, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n"
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}"
    path.write_text(f"{out}{table}trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(out)}\n%%EOF")


def documents(folder: Path) -> list[Document]:
    return [read(path, folder) for path in listed(folder).files]


def test_headings_of_every_kind_stand_above_their_chunks(tmp_path: Path) -> None:
    docx(tmp_path / "a.docx", [("Heading1", "Lamp"), (None, "It shines."), ("Heading2", "Care"), (None, "Wipe it.")])
    korean = '<w:style w:styleId="a1"><w:name w:val="heading 1"/></w:style>'
    docx(tmp_path / "b.docx", [("a1", "등"), (None, "빛난다.")], korean)
    (tmp_path / "c.html").write_text("<h1>Lamp</h1><p>It shines.</p><h3>Care</h3><p>Wipe it.</p>")
    (tmp_path / "d.md").write_text("# Lamp\nIt shines.\n\n## Care\nWipe it.\n\n# Chair\nSit.")
    found = {each.name: [(c.heading, c.text) for c in chunks(each)] for each in documents(tmp_path)}
    assert found["a.docx"] == found["c.html"] == [("Lamp", "It shines."), ("Lamp › Care", "Wipe it.")]
    assert found["b.docx"] == [("등", "빛난다.")]
    assert found["d.md"][-1] == ("Chair", "Sit.")


def test_a_pdf_gives_its_pages_and_one_without_text_is_left_out_by_name(tmp_path: Path) -> None:
    pdf(tmp_path / "a.pdf", ["The price of Lumora", "Wipe it with a cloth"])
    (document,) = documents(tmp_path)
    assert document.text == "The price of Lumora\n\nWipe it with a cloth"
    pdf(tmp_path / "b.pdf", [""])
    (tmp_path / "c.pdf").write_bytes(b"%PDF-1.4 torn")
    found = build(tmp_path, store=tmp_path / "store")
    assert [chunk.file for chunk in found.chunks] == ["a.pdf"]
    told = {each["file"]: each["text"] for each in found.skipped("ko")}
    assert list(told) == ["b.pdf", "c.pdf"]
    assert "OCR" in told["b.pdf"]
    with pytest.raises(InputError) as error:
        build(tmp_path / "b.pdf")
    assert error.value.code == "retrieval.pdf_no_text"


def test_what_cannot_be_read_costs_only_itself_and_is_tried_again(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / ".git").mkdir(parents=True)
    (docs / ".git" / "hidden.md").write_text("hidden")
    (docs / "inner").mkdir()
    (docs / "inner" / "up").symlink_to(docs)
    (docs / "self.md").symlink_to(docs / "self.md")
    (docs / "nowhere.md").symlink_to(docs / "gone.md")
    (docs / "shut.txt").symlink_to("/proc/self/mem")  # opens and cannot be read, for the superuser too
    (docs / "old.txt").write_bytes("가격은 5,000원".encode("cp949"))
    (docs / "latin.txt").write_bytes("Café".encode("latin-1"))  # which of many tables it is, its bytes do not tell
    (docs / "utf16.txt").write_text("무게는 3kg", encoding="utf-16")
    (docs / "euc.html").write_bytes("<meta charset=euc-kr><p>재질은 돌</p>".encode("euc-kr"))
    (docs / "empty.docx").write_bytes(b"PK")
    (docs / "inner" / unicodedata.normalize("NFD", "가.MD")).write_text("색은 빨강")
    Path(os.fsdecode(os.fsencode(docs) + b"/\xff.md")).write_text("이름이 깨진 파일")
    found = build(docs, store=tmp_path / "store")
    assert {chunk.file: chunk.text for chunk in found.chunks} == {
        "utf16.txt": "무게는 3kg", "euc.html": "재질은 돌", "inner/가.MD": "색은 빨강", "\\xff.md": "이름이 깨진 파일",
        "old.txt": "가격은 5,000원",
    }  # fmt: skip
    assert {each["file"] for each in found.skipped("en")} == {
        "self.md", "nowhere.md", "shut.txt", "latin.txt", "empty.docx",
    }  # fmt: skip
    assert all(str(docs) in each["text"] for each in found.skipped("ko"))
    (docs / "gone.md").write_text("이제 있다")
    again = build(docs, store=tmp_path / "store")
    assert "nowhere.md" not in {each["file"] for each in again.skipped("en")}
    assert again.search("이제 있다", 1)[0].chunk.text == "이제 있다"


def cut(text: str, size: int, overlap: int) -> list[Chunk]:
    return chunks(Document(name="a", text=text, sha256=""), tokens(str(MODEL), size, overlap))


@given(st.text(max_size=2000), st.integers(16, 90))
def test_no_chunk_has_more_tokens_than_asked(text: str, size: int) -> None:
    counter = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    for chunk in cut(text, size, size // 3):
        assert len(counter.encode(chunk.text, add_special_tokens=False).ids) <= size or len(chunk.text) == 1


def test_sentences_stay_whole_and_the_last_ones_are_repeated() -> None:
    sentences = [f"Sentence {number} says this." for number in range(30)]
    found = cut(" ".join(sentences), 60, 20)
    assert len(found) > 2
    for before, after in pairwise(found):
        own = [each for each in SENTENCE.split(after.text) if each]
        assert set(own) <= set(sentences)
        assert own[0] in before.text
        assert own[-1] not in before.text
    assert {each for chunk in found for each in SENTENCE.split(chunk.text)} == set(sentences)


def test_an_overlap_of_more_than_half_is_refused() -> None:
    with pytest.raises(InputError) as error:
        tokens(str(MODEL), 64, 40)
    assert error.value.code == "retrieval.overlap"
    with pytest.raises(InputError, match="tokenizer"):
        tokens("/nowhere", 64, 0)
