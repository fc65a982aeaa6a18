"""Tokens are counted, and trained ones told from masked ones, as transformers does with the same folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import InputError
from tuner_tui import paths
from tuner_tui.cli import main
from tuner_tui.inspect import inspect
from tuner_tui.inspect.talk import Talk
from tuner_tui.inspect.tokens import Counter
from tuner_tui.inspect.trained import runs_of, trained_view

MODEL = paths.samples() / "model"
STYLE = paths.samples() / "data" / "style.train.jsonl"
ASKED = [{"role": "user", "content": "Where is it?"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a word tokenizer and a chat template, made here."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    path = tmp_path_factory.mktemp("model")
    words = ["[U]", "<s>", "</s>", "<user>", "<bot>", "where", "is", "it", "here", "there", "?", "."]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, unk_token="[U]"))
    tokenizer.add_special_tokens(["<s>", "</s>", "<user>", "<bot>"])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(path / "tokenizer.json"))
    return path


def with_template(folder: Path, template: str) -> Counter:
    config = {"eos_token": "</s>", "bos_token": {"content": "<s>"}, "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return Counter(folder)


GOOD = (
    "{{ bos_token }}{% for m in messages %}{{ '<user>' if m.role == 'user' else '<bot>' }}{{ m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}<bot>{% endif %}"
)


def test_the_answer_and_its_end_are_trained_and_the_question_is_not(folder: Path) -> None:
    counter = with_template(folder, GOOD)
    talk = Talk([{"role": "user", "content": "where is it?"}], "it is here.")
    pieces = counter.pieces(talk)
    assert [piece.text for piece in pieces if piece.trained] == ["it", "is", "here", ".", "</s>"]
    assert [piece.text for piece in pieces if not piece.trained] == ["<s>", "<user>", "where", "is", "it", "?", "<bot>"]
    length = counter.lengths([talk])[0]
    assert (length.whole, length.answer) == (12, 5)
    assert counter.fault(talk) is None


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("{% for m in messages %}{{ m.content }} {% endfor %}", "end_not_trained"),
        ("{{ messages[0].content }}{{ eos_token }}", "template_drops_answer"),
        ("{{ raise_exception('no system turns') }}", "template_refuses"),
        ("{{ messages[9].role }}", "template_refuses"),
    ],
)
def test_a_template_that_spoils_training_is_named(template: str, code: str, folder: Path) -> None:
    fault = with_template(folder, template).fault(Talk(ASKED, "it is here."))
    assert fault is not None
    assert fault[0] == code


def test_a_template_reaches_nothing_outside_its_sandbox(folder: Path) -> None:
    counter = with_template(folder, "{{ messages.__class__.__mro__[1].__subclasses__() }}")
    fault = counter.fault(Talk(ASKED, "x"))
    assert fault is not None
    assert fault[0] in ("template_refuses", "template_drops_answer")


def test_rows_too_long_and_answers_cut_off_are_named(folder: Path, tmp_path: Path) -> None:
    with_template(folder, GOOD)
    path = tmp_path / "rows.jsonl"
    rows = [{"prompt": f"where is {at} ?", "completion": "here ."} for at in range(10)]
    rows += [{"prompt": "where is it ?", "completion": "there " * 30}, {"prompt": "is it " * 20, "completion": "there"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = inspect(path, model=folder, max_length=20)
    cut, lost = found.problem("truncated"), found.problem("answer_cut_off")
    assert cut is not None
    assert lost is not None
    assert (cut.rows, lost.rows, "> 20, 17%" in cut.text) == ([11, 12], [12], True)
    assert found.tokens is not None
    assert found.tokens.max > 20


def test_a_folder_without_tokenizer_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        inspect(STYLE, model=tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError, match="not a readable tokenizer"):
        inspect(STYLE, model=tmp_path)


@pytest.mark.skipif(not (MODEL / "tokenizer.json").is_file(), reason="the practice model is not there")
def test_counts_equal_those_of_transformers() -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(MODEL)
    counter = Counter(MODEL)
    rows = [json.loads(line)["messages"] for line in STYLE.read_text("utf-8").splitlines()[:40]]
    theirs = [len(tokenizer.apply_chat_template(row, tokenize=True, return_dict=False)) for row in rows]
    ours = counter.lengths([Talk(row[:-1], row[-1]["content"]) for row in rows])
    assert [length.whole for length in ours] == theirs


@pytest.mark.skipif(not (MODEL / "tokenizer.json").is_file(), reason="the practice model is not there")
def test_one_row_is_shown_with_trained_and_masked_parts_apart(capsys: pytest.CaptureFixture[str]) -> None:
    runs = runs_of(trained_view(STYLE, 2, MODEL))
    assert [trained for trained, _ in runs] == [False, True]
    assert "We will stay with you." in runs[1][1]
    assert "stay with you" not in runs[0][1]
    assert main(["inspect", str(STYLE), "--model", str(MODEL), "--show", "2", "--json"]) == 0
    pieces = json.loads(capsys.readouterr().out)
    assert "".join(piece["text"] for piece in pieces).count("stay with you") == 1
    with pytest.raises(InputError, match="no row 9999"):
        trained_view(STYLE, 9999, MODEL)


@pytest.mark.skipif(not (MODEL / "tokenizer.json").is_file(), reason="the practice model is not there")
def test_a_shown_row_is_coloured_only_where_colours_are_wanted_and_never_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"prompt": "ask \x1b[31m", "completion": "say \x1b]52;c;aGk=\x07"}) + "\n")
    wanted = ["inspect", str(path), "--model", str(MODEL), "--show", "1"]
    assert main([*wanted, "--json"]) == 0
    told = "".join(piece["text"] for piece in json.loads(capsys.readouterr().out))
    assert told.isprintable() or "\x1b" not in told
    assert "\x07" not in told
    assert main(wanted) == 0
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(wanted) == 0
    coloured = capsys.readouterr().out
    assert "\x1b[32m# " in coloured
    assert "\x1b[2m. " in coloured
    assert "\x1b]" not in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(wanted) == 0
    assert "\x1b" not in capsys.readouterr().out
