"""An index on disk: the scores are bm25s' own, an update finds what a fresh build finds, a kill costs nothing."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.answering import RetrievalSpec, Terms
from advisor.errors import InputError
from tuner_tui import paths
from tuner_tui.retrieval import build as building
from tuner_tui.retrieval.build import build
from tuner_tui.retrieval.index import Index, words_of
from tuner_tui.retrieval.measure import Characters
from tuner_tui.retrieval.terms import terms

SPEC = RetrievalSpec(terms=Terms.BIGRAMS)
QUESTIONS = ("alpha beta", "beta beta gamma 솔바람", "w17 w3 w99", "솔바람은 가격", "nothing-here")


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    draw = random.Random(3)
    folder = tmp_path / "docs"
    folder.mkdir()
    words = [*(f"w{at}" for at in range(120)), "alpha", "beta", "gamma", "솔바람의", "솔바람", "가격은"]
    for number in range(40):
        paragraphs = [" ".join(draw.choices(words, k=draw.randint(3, 60))) for _ in range(4)]
        (folder / f"{number:02}.md").write_text("\n\n".join(paragraphs), encoding="utf-8")
    return folder


def found(index: Index, count: int = 20) -> list[list[tuple[str, float]]]:
    return [[(each.chunk.cited, each.score) for each in index.search(asked, count)] for asked in QUESTIONS]


def test_scores_are_those_of_bm25s_bit_by_bit(docs: Path, tmp_path: Path) -> None:
    import bm25s

    index = build(docs, SPEC, by=Characters(200), store=tmp_path / "index")
    theirs = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
    theirs.index([terms(words_of(chunk)) for chunk in index.chunks], show_progress=False)
    (folder,) = (tmp_path / "index").glob("built-*")
    opened = bm25s.BM25.load(folder, mmap=True)
    for asked in QUESTIONS[:-1]:
        query = list(dict.fromkeys(terms(asked)))
        wanted = theirs.get_scores(query)
        assert (opened.get_scores(query) == wanted).all()
        for each in index.search(asked, 30):
            at = [chunk.cited for chunk in index.chunks].index(each.chunk.cited)
            assert each.score == wanted[at]


def test_memory_and_disk_find_the_same(docs: Path, tmp_path: Path) -> None:
    index = build(docs, SPEC, by=Characters(200), store=tmp_path / "index")
    assert found(Index(list(index.chunks))) == found(index)


def test_an_updated_index_finds_what_a_fresh_one_finds(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "SEGMENT_CHUNKS", 20)
    store = tmp_path / "index"
    by = Characters(200)
    build(docs, SPEC, by=by, store=store)
    (docs / "07.md").write_text("alpha alpha beta 솔바람", encoding="utf-8")
    (docs / "12.md").unlink()
    (docs / "00a.md").write_text("gamma beta", encoding="utf-8")
    shutil.move(docs / "30.md", docs / "99.md")
    before = {each.name for each in (store / "segments").iterdir()}
    updated = build(docs, SPEC, by=by, store=store)
    assert found(updated) == found(build(docs, SPEC, by=by, store=tmp_path / "fresh"))
    assert len(before & {each.name for each in (store / "segments").iterdir()}) > len(before) / 2


def test_how_long_building_and_updating_took_is_kept(docs: Path, tmp_path: Path) -> None:
    first = build(docs, store=tmp_path / "store").about
    assert first["build_s"] > 0
    assert first["update_s"] is None
    same = build(docs, store=tmp_path / "store").about
    assert (same["build_s"], same["update_s"]) == (first["build_s"], None)
    (docs / "more.txt").write_text("One more document.", encoding="utf-8")
    more = build(docs, store=tmp_path / "store").about
    assert (more["build_s"], more["files"]) == (first["build_s"], first["files"] + 1)
    assert more["update_s"] > 0


def test_an_index_that_is_read_is_not_taken_away(docs: Path, tmp_path: Path) -> None:
    reader = build(docs, SPEC, store=tmp_path / "index")
    before = found(reader)
    for file in docs.iterdir():
        file.write_text("all else", encoding="utf-8")
    build(docs, SPEC, store=tmp_path / "index")
    assert found(reader) == before


def test_an_index_that_nobody_used_for_a_month_is_removed_but_never_one_that_is_open(docs: Path) -> None:
    held, shelf = build(docs, SPEC, by=Characters(300)), paths.home() / "indexes"
    build(docs, SPEC, by=Characters(200))
    for lock in shelf.glob("*/.readers"):
        os.utime(lock, (0, 0))
    fresh = build(docs, SPEC, by=Characters(100))
    assert {str(each) for each in shelf.iterdir()} == {held.about["store"], fresh.about["store"]}
    assert found(held)


def test_another_rule_is_refused(docs: Path, tmp_path: Path) -> None:
    build(docs, SPEC, by=Characters(200), store=tmp_path / "index")
    with pytest.raises(InputError) as error:
        build(docs, SPEC, by=Characters(300), store=tmp_path / "index")
    assert error.value.code == "retrieval.mismatch"
    manifest = json.loads((tmp_path / "index" / "manifest.json").read_text())
    (tmp_path / "index" / "manifest.json").write_text(json.dumps(manifest | {"terms": "kiwi 0.1 0.1"}))
    with pytest.raises(InputError) as error:
        build(docs, SPEC, by=Characters(200), store=tmp_path / "index")
    assert "kiwi 0.1" in str(error.value.params["before"])


def test_empty_files_and_an_empty_index_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("")
    index = build(tmp_path / "docs", SPEC, store=tmp_path / "index")
    assert index.search("alpha", 3) == []
    (tmp_path / "docs" / "b.txt").write_text("alpha")
    assert build(tmp_path / "docs", SPEC, store=tmp_path / "index").search("alpha", 3)[0].chunk.file == "b.txt"


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 17])
def test_a_build_killed_at_any_touch_of_a_file_goes_on(tmp_path: Path, stride: int) -> None:
    script = Path(__file__).with_name("killed.py")
    command = [sys.executable, str(script), str(tmp_path / "docs"), str(tmp_path / "store"), str(stride)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["tries"] > 60 / stride
    assert told["resumed"] > 30 / stride
