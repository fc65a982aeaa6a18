"""Text in another encoding is read where its script tells which, and suggested or named by row where nothing does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.errors import InputError
from tuner_tui.inspect import Inspection, inspect
from tuner_tui.inspect.prepare import Choice, prepare


def named(found: Inspection, code: str) -> list[int]:
    problem = found.problem(code)
    return [] if problem is None else problem.rows


KO, JA, ZH = (
    "안녕하세요 여러분, 어디로 가시나요?",
    "今日は晴れです。とても暖かいですよ。",
    "今天天气晴朗，我们出去散步。这是什么？",
)
ENCODED = {
    "utf-32-le": KO, "utf-16-be": KO, "cp949": KO, "johab": KO, "iso2022_kr": KO, "cp932": JA, "euc_jp": JA,
    "iso2022_jp": JA, "gb18030": ZH, "big5hkscs": "這是什麼問題？請回答我們的學校。",
}  # fmt: skip


def in_encoding(path: Path, encoding: str, text: str) -> Path:
    rows = [{"prompt": f"{text} {at}", "completion": f"{at} {text}"} for at in range(12)]
    path.write_bytes("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ENCODED)
def test_an_encoding_without_a_mark_is_told_by_its_script(encoding: str, tmp_path: Path) -> None:
    found = inspect(in_encoding(tmp_path / "rows.jsonl", encoding, ENCODED[encoding]))
    problem = found.problem("encoding")
    assert problem is not None
    assert encoding in problem.text
    assert (found.usable_rows, found.preview[3]["prompt"]) == (12, f"{ENCODED[encoding]} 3")


@pytest.mark.parametrize(
    ("encoding", "text"), [("cp1251", "Привет, мир"), ("cp1252", "Où est la bibliothèque, s’il vous plaît")]
)
def test_a_table_that_makes_letters_of_any_bytes_is_suggested_and_read_when_a_person_says_so(
    encoding: str, text: str, tmp_path: Path
) -> None:
    path = in_encoding(tmp_path / "rows.jsonl", encoding, text)
    found = inspect(path)
    guess = found.problem("encoding_guess")
    assert guess is not None
    assert (found.usable_rows, len(named(found, "not_utf8")), encoding in guess.text) == (0, 12, True)
    told = inspect(path, encoding=encoding)
    assert (told.usable_rows, told.preview[0]["prompt"]) == (12, f"{text} 0")
    made = prepare(path, tmp_path / "out", Choice(encoding=encoding, shares=(0.0, 0.0)))
    assert text in (Path(made.out) / "train.jsonl").read_text("utf-8")


def test_an_encoding_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        inspect(in_encoding(tmp_path / "rows.jsonl", "utf-8", KO), encoding="base64")
    assert told.value.code == "inspect.encoding"


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_lines_of_another_encoding_among_utf8_are_read_and_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"rows{suffix}"
    form = '"{} {}","{}"\n' if suffix == ".csv" else '{{"prompt": "{} {}", "completion": "{}"}}\n'
    lines = [form.format(KO, at, KO).encode("cp949" if at == 6 else "utf-8") for at in range(12)]
    path.write_bytes(b"".join([b"prompt,completion\n"] * (suffix == ".csv") + lines))
    found = inspect(path)
    assert (named(found, "mixed_encoding"), found.usable_rows, found.preview[6]["prompt"]) == ([7], 12, f"{KO} 6")


def test_an_encoding_that_shows_only_far_down_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    plain = [json.dumps({"prompt": f"question {at} {'word ' * 20}", "completion": f"say {at}"}) for at in range(1500)]
    last = json.dumps({"prompt": KO, "completion": KO}, ensure_ascii=False)
    path.write_bytes("\n".join([*plain, last]).encode("cp949"))
    found = inspect(path)
    assert (found.problem("encoding") is not None, found.usable_rows) == (True, 1501)
