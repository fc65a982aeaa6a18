"""What only reading the text tells: wrong encodings, private data, repeats, languages, marks that spoil training."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tuner_tui.inspect import Inspection, inspect
from tuner_tui.inspect.alike import Alike
from tuner_tui.inspect.languages import language_of
from tuner_tui.inspect.mojibake import repair
from tuner_tui.inspect.private import personal_in, secrets_in

KOREAN = "안녕하세요. 반갑습니다, 오늘은 날씨가 좋네요."


def looked_at(folder: Path, pairs: list[tuple[str, str]], **options: object) -> Inspection:
    path = folder / "rows.jsonl"
    rows = [{"prompt": prompt, "completion": answer} for prompt, answer in pairs]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return inspect(path, **options)  # type: ignore[arg-type]


def sound(count: int = 12) -> list[tuple[str, str]]:
    words = [
        "river",
        "stone",
        "cloud",
        "maple",
        "lantern",
        "harbor",
        "violin",
        "copper",
        "meadow",
        "orchard",
        "canyon",
        "ember",
    ]
    return [(f"Tell me of the {word}", f"The {word} is {word[::-1]} and was {len(word) * 7}") for word in words[:count]]


@pytest.mark.parametrize("table", ["cp1252", "latin-1", "mac_roman"])
def test_utf8_read_as_another_table_is_brought_back_whole(table: str) -> None:
    broken = KOREAN.encode().decode("latin-1" if table == "cp1252" else table)
    found = repair(broken)
    assert found is not None
    assert (found.text, found.lost) == (KOREAN, 0)


def test_korean_windows_text_read_as_western_is_brought_back() -> None:
    found = repair(KOREAN.encode("cp949").decode("latin-1"))
    assert found is not None
    assert found.text == KOREAN


def test_lost_bytes_leave_gaps_and_the_gaps_are_counted() -> None:
    found = repair(KOREAN.encode().decode("cp1253", "ignore"))
    assert found is not None
    assert found.table == "cp1253"
    assert found.lost == found.text.count("\ufffd") > 0


@pytest.mark.parametrize(
    "text",
    [
        KOREAN,
        "plain ascii",
        "déjà vu à l'école où ça",
        "Größe über Straße",
        "Γειά σου Κόσμε, τι κάνεις σήμερα;",
        "Привет, как дела сегодня",
        "中文文本测试一下，今天天气很好",
        "日本語のテキスト、漢字とかな",
        "“quoted” — dash’s … 3 × 4 = 12 €",
        "한국어 “인용” — 대시’s",
        "타탄 품절인가요?",
    ],
)
def test_sound_text_of_any_language_is_left_alone(text: str) -> None:
    assert repair(text) is None


def test_broken_rows_are_named_and_the_repair_is_offered(tmp_path: Path) -> None:
    found = looked_at(tmp_path, [*sound(10), ("hello there", KOREAN.encode().decode("latin-1"))])
    problem = found.problem("mojibake")
    assert problem is not None
    assert problem.rows == [11]
    assert "tuner prepare" in problem.text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to kim.minsu@company.co.kr", "email"),
        ("제 번호는 010-1234-5678입니다", "phone"),
        ("call (415) 555-0132", "phone"),
        ("주민번호 900101-1234567", "resident_number"),
        ("ssn 123-45-6789", "ssn"),
        ("card 4111 1111 1111 1111", "card_number"),
        ("사무실 02-345-6789", "phone"),
        ("국민은행 123456-04-123456", "bank_account"),
        ("면허 11-12-345678-90", "driving_licence"),
        ("여권번호 M12345678", "passport"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", "iban"),
        ("서울특별시 강남구 테헤란로 123", "address"),
    ],
)
def test_personal_data_is_told_by_kind(text: str, kind: str) -> None:
    assert personal_in(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "order 2024-01-02 10:20",
        "user@example.com",
        "4111 1111 1111 1112",
        "1,234,567원",
        "postgres://admin:hunter2@db.internal/x",
        "농협에서 2024-10-1234 공고",
        "AB12 CDEF 1234 5678",
        "123-45-67890",
    ],
)
def test_what_only_looks_like_personal_data_is_not(text: str) -> None:
    assert personal_in(text) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("비밀번호: qwer1234!", "password"),
        ('{"password": "hunter22"}', "password"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "named_key"),
        ('api_key = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"', "named_key"),
        ("glpat-" + "abcdEFGH1234ijkl5678", "gitlab_token"),
    ],
)
def test_passwords_and_keys_are_known_by_what_they_are_called(text: str, kind: str) -> None:
    assert secrets_in(text) == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "password = self.config1.get('x')",
        "pwd=os.environ['A1']",
        "password: string",
        "비밀번호: 8자리 이상",
        "secret_key = settings.KEY_1",
        "api_key = my_api_key_variable_name_2",
        "password: ********",
    ],
)
def test_code_that_only_speaks_of_keys_holds_none(text: str) -> None:
    assert secrets_in(text) == []


def test_secrets_are_counted_and_never_repeated(tmp_path: Path) -> None:
    key, token = "AKIA" + "IOSFODNN7EXAMPLE", "hf_" + "a1B2" * 9
    assert secrets_in(f"{key} {token}") == ["aws_key", "huggingface_token"]
    found = looked_at(tmp_path, [*sound(10), ("my key", f"it is {key}"), ("mail", "kim@company.co.kr")])
    assert [problem.rows for problem in map(found.problem, ("secrets", "personal_data")) if problem] == [[11], [12]]
    told = json.dumps(found.to_json())
    assert key not in told
    assert "kim@company" not in told


def test_no_problem_repeats_what_must_not_be_shown(tmp_path: Path) -> None:
    key = "hf_" + "a1B2" * 9
    found = looked_at(tmp_path, [(f"question {at} of these", f"the key is {key}") for at in range(30)])
    assert found.problem("same_answer") is not None
    assert key[:8] not in json.dumps(found.to_json())


def test_near_duplicates_are_found_and_near_misses_are_not() -> None:
    alike = Alike()
    long = "The quick brown fox jumps over the lazy dog while the band plays an old and rather slow song outside."
    assert alike.add(long) is None
    assert alike.add("Something else entirely, about the price of apples in the northern provinces last year.") is None
    assert alike.add(long.replace("slow", "slow,").upper()) == 0
    assert alike.find("A quick red fox ran under the busy dog while nobody played a new and rather fast tune.") is None


def test_a_row_that_nearly_repeats_another_is_named(tmp_path: Path) -> None:
    pairs = sound(10)
    found = looked_at(tmp_path, [*pairs, (pairs[0][0] + "!", pairs[0][1] + ".")])
    problem = found.problem("near_duplicates")
    assert problem is not None
    assert problem.rows == [11]
    assert found.duplicates == 0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (KOREAN, "ko"),
        ("What is the price of this?", "en"),
        ("iPhone 15 Pro 가격이 얼마인가요?", "ko"),
        ("これはペンです", "ja"),
        ("今天天气很好", "zh"),
        ("Wo liegt der Bahnhof bitte schön genau", "latin"),
        ("1234 !!", None),
        ("RH-1157", None),
    ],
)
def test_language_is_told_by_script_and_common_words(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_a_mix_of_languages_and_a_switch_are_told(tmp_path: Path) -> None:
    found = looked_at(tmp_path, [*sound(10), ("오늘 날씨 어때요?", "It is sunny and warm today.")])
    switch = found.problem("language_switch")
    assert switch is not None
    assert switch.rows == [11]
    assert "ko > en" in switch.text


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("TODO", "placeholder"),
        ("없음", "placeholder"),
        ("red \x1b[31m text", "control_characters"),
        ("right \u202eto left", "control_characters"),
        ("done<|im_end|>", "special_tokens"),
        ("<p>hello</p>", "html"),
    ],
)
def test_marks_that_spoil_training_are_named(answer: str, code: str, tmp_path: Path) -> None:
    problem = looked_at(tmp_path, [*sound(10), ("a question", answer)]).problem(code)
    assert problem is not None
    assert problem.rows == [11]


def test_labels_that_hardly_differ_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"film number {at},{int(at == 3)}\n" for at in range(40)), "utf-8")
    problem = inspect(path).problem("label_skew")
    assert problem is not None
    assert "0: 39" in problem.text


def test_pairs_in_which_longer_always_wins_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"ask {at}", "chosen": f"a long answer {at} " * 3, "rejected": f"no {at}"} for at in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert inspect(path).problem("longer_wins") is not None


def test_sound_rows_have_no_problem(tmp_path: Path) -> None:
    assert looked_at(tmp_path, sound()).problems == []


@pytest.mark.parametrize("times", [2, 3])
def test_what_was_misread_several_times_is_brought_back_as_often(times: int) -> None:
    text = KOREAN + " ① → ★"
    broken = text
    for _ in range(times):
        broken = broken.encode().decode("latin-1")
    found = repair(broken)
    assert found is not None
    assert (found.text, found.lost) == (text, 0)


@pytest.mark.parametrize("table", ["cp949", "cp1252"])
def test_a_character_that_lacks_a_byte_is_one_gap(table: str) -> None:
    found = repair(KOREAN.encode().decode(table, "replace"))
    assert found is not None
    assert found.table == table
    assert found.lost == found.text.count("\ufffd")
    assert len(found.text) == pytest.approx(len(KOREAN), abs=4)


def test_marks_of_loss_in_sound_korean_are_no_wrong_table() -> None:
    assert repair(KOREAN[:3] + "\ufffd" + KOREAN[3:8] + "\ufffd\ufffd" + KOREAN[8:]) is None


def test_control_characters_of_a_wrong_table_are_not_told_twice(tmp_path: Path) -> None:
    found = looked_at(tmp_path, [*sound(10), ("hello there", KOREAN.encode().decode("latin-1"))])
    assert found.problem("mojibake") is not None
    assert found.problem("control_characters") is None


def test_a_megabyte_of_sound_text_is_judged_by_its_parts_and_a_broken_one_is_still_found() -> None:
    sound = (KOREAN + " plain text ") * 40_000
    began = time.process_time()
    assert repair(sound) is None
    assert time.process_time() - began < 5
    broken = (KOREAN.encode().decode("cp1252", "ignore") + " ") * 1500
    found = repair("plain text " * 6000 + broken)
    assert found is not None
