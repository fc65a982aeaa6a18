"""Korean is cut by morphemes where kiwi is installed, by syllable pairs where not; the index says by which."""

from pathlib import Path

import pytest

from advisor.answering import RetrievalSpec, Terms
from advisor.errors import InputError
from tuner_tui.retrieval import build as building
from tuner_tui.retrieval.build import build, terms_name
from tuner_tui.retrieval.terms import BIGRAMS, cutter, kiwi_name, terms


def test_particles_do_not_hide_a_word() -> None:
    assert set(terms("솔바람의 가격은?")) & set(terms("솔바람은 얼마")) >= {"솔바", "바람"}
    assert terms("Lumora's PRICE_1 3kg") == ["lumora", "s", "price_1", "3kg"]


def test_without_kiwi_the_fallback_is_said_and_a_wish_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "kiwi_name", lambda: None)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("솔바람 가격은 5,000원입니다.", encoding="utf-8")
    assert build(tmp_path / "docs", store=tmp_path / "store").about["terms"] == BIGRAMS
    with pytest.raises(InputError, match=r"tuner\[korean\]"):
        terms_name(Terms.KIWI)


def test_a_recorded_kiwi_that_is_not_here_cuts_nothing() -> None:
    with pytest.raises(ValueError, match=r"kiwi 0\.1"):
        cutter("kiwi 0.1 0.1")


def test_kiwi_finds_a_verb_in_another_form(tmp_path: Path) -> None:
    pytest.importorskip("kiwipiepy")
    name = kiwi_name()
    assert name is not None
    cut = cutter(name)
    assert "먹" in cut(["밥을 먹었습니다."])[0]
    assert cut(["Lumora 3kg"])[0] == ["lumora", "3kg"]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("고양이는 생선을 먹었습니다.", encoding="utf-8")
    (tmp_path / "docs" / "b.txt").write_text("고양이는 집에서 잤습니다.", encoding="utf-8")
    kiwi, pairs = (
        build(tmp_path / "docs", RetrievalSpec(terms=how), store=tmp_path / how.value)
        for how in (Terms.KIWI, Terms.BIGRAMS)
    )
    assert kiwi.about["terms"] == name
    assert [found.chunk.file for found in kiwi.search("먹는 것", 2)] == ["a.txt"]
    assert pairs.search("먹는 것", 2) == []
