"""Korean and English say the same things: equal keys, equal placeholders, and every key that the code names exists."""

import re
import string
from pathlib import Path

import pytest

from advisor.words import load_folder

ROOT = Path(__file__).parent.parent
FOLDERS = [ROOT / "advisor" / "locale", ROOT / "tuner_tui" / "locale"]


def placeholders(text: str) -> set[str]:
    """The names of the `{fields}` of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_both_languages_have_the_same_keys(folder: Path) -> None:
    assert load_folder(folder, "en").keys() == load_folder(folder, "ko").keys()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_both_languages_have_the_same_placeholders(folder: Path) -> None:
    english, korean = load_folder(folder, "en"), load_folder(folder, "ko")
    assert {k: placeholders(v) for k, v in english.items()} == {k: placeholders(korean[k]) for k in english}


def test_no_key_is_defined_by_both_packages() -> None:
    first, second = (load_folder(folder, "en") for folder in FOLDERS)
    assert not first.keys() & second.keys()


def test_every_error_that_the_code_raises_has_words() -> None:
    known = {key for folder in FOLDERS for key in load_folder(folder, "en")}
    raised = {
        f"errors.{code}"
        for package in ("advisor", "tuner_tui")
        for path in (ROOT / package).rglob("*.py")
        for code in re.findall(r"InputError\(\s*\"([a-z0-9_.]+)\"", path.read_text(encoding="utf-8"))
    }
    assert raised
    assert raised <= known, sorted(raised - known)


def test_korean_is_korean() -> None:
    for folder in FOLDERS:
        table = load_folder(folder, "ko")
        hangul = sum(1 for text in table.values() if re.search("[가-힣]", text))
        assert hangul >= 0.8 * len(table), folder


def test_every_scope_of_a_key_has_words() -> None:
    from tuner_tui.keys import KEYS

    known = load_folder(FOLDERS[1], "en")
    assert {f"settings.scope.{key.scope}" for key in KEYS} <= known.keys()


def test_every_metric_has_a_long_and_a_short_name() -> None:
    from advisor.recipe import Metric

    known = load_folder(FOLDERS[1], "en")
    assert {f"metric.{metric}{form}" for metric in Metric for form in ("", ".short")} <= known.keys()
