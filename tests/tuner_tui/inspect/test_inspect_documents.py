"""Documents are read as a reader sees them; what lies in other containers is the same data."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import InputError
from tuner_tui.inspect import documents, inspect, opened
from tuner_tui.inspect.pages import html_text, pdf_text
from tuner_tui.inspect.rows import Bad
from tuner_tui.inspect.source import open_source
from tuner_tui.retrieval.build import build

PAGE = """<!DOCTYPE html><html><head><title>T</title><style>p {color: red}</style></head>
<body><h1>Opening hours</h1><p>We open at <b>nine</b> &amp; close at six.</p>
<script>alert("x")</script><ul><li>Monday</li><li>Tuesday</li></ul></body></html>"""
ROWS = [{"prompt": f"Where is {at}?", "completion": f"In {at * 31}."} for at in range(12)]


def pdf(text: str) -> bytes:
    """The smallest PDF with one page and one line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode() if text else b""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length " + str(len(stream)).encode() + b" >>\nstream\n" + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    trailer = f"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF".encode()
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


def texts(path: Path) -> list[Any]:
    return [row for block in open_source(path).blocks for row in block.rows]


def test_a_page_is_what_a_reader_sees() -> None:
    assert html_text(PAGE) == "# Opening hours\n\nWe open at nine & close at six.\n\nMonday\n\nTuesday"


def test_a_page_in_another_encoding_is_read_by_what_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(
        '<html><head><meta charset="euc-jp"></head><body>営業時間は九時からです</body></html>'.encode("euc-jp")
    )
    assert texts(path) == [{"file": "page.html", "text": "営業時間は九時からです"}]


def test_a_pdf_is_one_document_with_its_text(tmp_path: Path) -> None:
    path = tmp_path / "hours.pdf"
    path.write_bytes(pdf("We open at nine."))
    assert pdf_text(path) == "We open at nine."
    found = inspect(path)
    assert (found.kind, found.rows, found.usable_rows) == ("documents", 1, 1)


@pytest.mark.parametrize(("content", "code"), [(pdf(""), "pdf_no_text"), (pdf("Hi")[:120], "pdf_damaged")])
def test_a_pdf_without_text_or_damaged_is_named_and_the_others_are_read(
    content: bytes, code: str, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(content)
    (tmp_path / "b.md").write_text("# Words\n\nSome words.\n")
    assert isinstance(pdf_text(tmp_path / "a.pdf"), Bad)
    found = inspect(tmp_path)
    assert (found.rows, found.usable_rows, found.facts.documents) == (2, 1, 1)
    problem = found.problem(code)
    assert problem is not None
    assert problem.rows == [1]
    assert "a.pdf" in problem.text


def containers(folder: Path) -> list[Path]:
    import gzip

    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet

    lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    table = pyarrow.Table.from_pylist(ROWS)
    files = {
        "rows.jsonl": lines,
        "rows.json": json.dumps(ROWS, indent=1).encode(),
        "wrapped.json": json.dumps({"version": 1, "data": ROWS}).encode(),
        "rows.csv": b"prompt,completion\n" + b"".join(f"{r['prompt']},{r['completion']}\n".encode() for r in ROWS),
        "rows.tsv": b"prompt\tcompletion\n" + b"".join(f"{r['prompt']}\t{r['completion']}\n".encode() for r in ROWS),
        "rows.jsonl.gz": gzip.compress(lines),
        "rows.jsonl.zst": pyarrow.compress(lines, codec="zstd", asbytes=True),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    pyarrow.parquet.write_table(table, folder / "rows.parquet")
    pyarrow.feather.write_feather(table, folder / "rows.arrow", compression="uncompressed")
    return [folder / name for name in (*files, "rows.parquet", "rows.arrow")]


def test_the_same_rows_are_the_same_data_in_any_container(tmp_path: Path) -> None:
    for path in containers(tmp_path):
        found = inspect(path)
        assert (found.format, found.rows, found.usable_rows) == ("prompt_completion", 12, 12), path.name
        assert found.problems == [], path.name


def test_a_saved_dataset_is_its_training_split(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    saved = datasets.DatasetDict(
        {"train": datasets.Dataset.from_list(ROWS), "test": datasets.Dataset.from_list(ROWS[:2])}
    )
    saved.save_to_disk(tmp_path / "saved")
    found = inspect(tmp_path / "saved")
    assert (found.kind, found.rows) == ("instruction_pairs", 12)
    leak = found.problem("leak")
    assert leak is not None
    assert leak.rows == [1, 2]


def test_a_hub_name_is_read_from_the_cache_or_told_how_to_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="hf download --repo-type dataset someone/rows"):
        inspect("someone/rows")
    snapshot = tmp_path / "hub" / "datasets--someone--rows" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert inspect("someone/rows").rows == 12


def word(text: str) -> bytes:
    """The smallest Word file with a heading and one paragraph."""
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Hours</w:t></w:r></w:p>'
    body += f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{name}"><w:body>{body}</w:body></w:document>')
    return made.getvalue()


def test_inspection_and_index_read_the_same_documents_and_name_the_same_others(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "inner").mkdir(parents=True)
    files = {
        "note.docx": word("We open at nine."), "torn.docx": word("x")[:40], "page.html": PAGE.encode(),
        "inner/hours.pdf": pdf("We open at nine."), "scan.pdf": pdf(""), "old.txt": "아홉 시에 연다".encode("cp949"),
        "packed.md.gz": gzip.compress(b"We close at six."), "packed.docx.gz": gzip.compress(word("We rest on Sunday.")),
        "latin.txt": "Caf\xe9".encode("latin-1"), "rows.jsonl": b"{}", "sheet.xlsx": b"PK", ".hidden.md": b"hidden",
    }  # fmt: skip
    for name, content in files.items():
        (docs / name).write_bytes(content)
    (docs / "nowhere.md").symlink_to(docs / "gone.md")
    os.mkfifo(docs / "pipe.txt")
    found, index = inspect(docs), build(docs, store=tmp_path / "store")
    read = {row["file"]: row["text"] for row in texts(docs) if not isinstance(row, Bad)}
    assert read["note.docx"] == "# Hours\n\nWe open at nine."
    assert {Path(chunk.file).name for chunk in index.chunks} == read.keys()
    assert (found.usable_rows, found.rows) == (len(read), len(read) + len(index.skipped("en")))
    assert found.details["others"] == "2 (rows.jsonl, sheet.xlsx)"
    assert {problem.code for problem in found.problems if problem.severity == "error"} == {
        "word_damaged", "pdf_no_text", "not_utf8", "not_readable",
    }  # fmt: skip


def test_an_archive_is_to_be_unpacked_and_a_word_file_is_known_by_its_content(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rows.zip", "w") as archive:
        archive.writestr("rows.jsonl", "{}")
    with pytest.raises(InputError, match="Unpack it"):
        inspect(tmp_path / "rows.zip")
    (tmp_path / "note").write_bytes(word("We open at nine."))
    assert inspect(tmp_path / "note").facts.documents == 1


def test_a_large_text_is_read_in_pieces_that_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_DOCUMENT_BYTES", 20_000)
    monkeypatch.setattr(documents, "PIECE_BYTES", 2_000)
    monkeypatch.setattr(opened, "CHUNK_BYTES", 1_000)
    paragraphs = [f"문단 {at} " + "말 " * (at % 90) for at in range(400)] + ["한" * 20_000]
    path = tmp_path / "book.txt"
    path.write_text("\n\n".join(paragraphs), encoding="utf-8")
    rows = [row for block in documents.document_rows([path], []) for row in block.rows]
    assert "".join(row["text"] for row in rows) == path.read_text(encoding="utf-8")
    found = inspect(path)
    assert found.usable_rows == found.rows == len(rows) > 5
    assert found.problem("pieces") is not None
