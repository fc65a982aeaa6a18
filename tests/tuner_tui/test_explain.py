"""Every failure carries a code, and `tuner explain` says why it is one and what to do, in both languages."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.errors import InputError
from tuner_tui import crash
from tuner_tui.commands.explain import WIDTH, wrapped
from tuner_tui.explained import FAULTS, codes, doctors, explained
from tuner_tui.words import words

ROOT = Path(__file__).parents[2]


def tuner(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "tuner_tui", *args], capture_output=True, text=True)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_code_is_explained(lang: str) -> None:
    told = words(lang)
    for code in codes(told):
        found = explained(code, told)
        assert found is not None, code
        assert len(found.why) > 15, code
        assert len(found.do) > 5, code
        assert not re.search(r"\{[a-z_0-9]*\}", found.says.replace("{42}", "")), code


def test_both_languages_know_the_same_codes() -> None:
    assert list(codes(words("en"))) == list(codes(words("ko")))


def test_every_failure_that_is_said_with_a_code_can_be_explained() -> None:
    said = {
        key
        for path in (ROOT / "tuner_tui").rglob("*.py")
        for key in re.findall(r"\bfault\(\s*\"([a-z0-9_.]+)\"", path.read_text(encoding="utf-8"))
    }
    assert said
    assert said <= set(FAULTS), sorted(said - set(FAULTS))
    assert all(words("en").has(key) for key in FAULTS)


def test_every_check_of_the_doctor_that_can_fail_can_be_explained() -> None:
    assert {"torch", "driver", "home", "locale", "packages"} <= doctors(words("en"))


def test_an_errors_text_ends_with_its_code_in_both_languages() -> None:
    error = InputError("file.missing", path="x")
    assert error.text("en").endswith(" [file.missing]")
    assert error.text("ko").endswith(" [file.missing]")


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("nonsense",), "cli.unknown"),
        (("run",), "cli.bad_usage"),
        (("--lang", "fr", "runs"), "cli.lang"),
        (("run", "no-such-recipe.yaml"), "file.missing"),
        (("explain", "no.such.code"), "explain.unknown"),
        ((), "cli.no_terminal"),
    ],
    ids=str,
)
def test_what_the_command_line_refuses_carries_a_code_that_is_explained(args: tuple[str, ...], code: str) -> None:
    done = tuner(*args)
    assert done.returncode == 2
    assert f"[{code}]" in done.stderr
    asked = tuner("explain", code, "--json", "--lang", "en")
    assert asked.returncode == 0
    assert json.loads(asked.stdout)["code"] == code


def test_a_code_may_be_given_as_it_stands_in_the_message() -> None:
    told = words("en")
    assert explained("[recipe.value]", told) == explained("recipe.value", told)
    assert (explained("coa001", told) or explained("", told)).code == "COA001"  # type: ignore[union-attr]
    assert explained("", told) is None


def test_lines_are_measured_in_cells() -> None:
    from rich.cells import cell_len

    text = explained("runs.secret", words("ko")).why  # type: ignore[union-attr]
    assert max(map(cell_len, wrapped(text))) <= WIDTH + 2


def test_a_crash_leaves_a_bundle_that_holds_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_API_KEY", "canary-value-of-a-key")
    secret = "hf_" + "A1b2" * 8
    private = "a row of private data"
    try:
        try:
            raise KeyError(secret)
        except KeyError:
            raise RuntimeError(f"lost canary-value-of-a-key at https://me:word@host/{secret}") from None
    except RuntimeError as error:
        path = crash.keep(error, "inspect", tmp_path / "crashes")
    assert path is not None
    text = path.read_text()
    for gone in (secret, "canary-value", "me:word", private, str(Path.home())):
        assert gone not in text
    assert "test_explain.py" in text
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("invalid literal for int() with base 10: 'kim 77'", "invalid literal for int() with base 10: '…'"),
        ("no such thing: '/home/kim/divorce/rows.jsonl'", "no such thing: '…'"),
        ("cannot open /home/kim/divorce/x.json: denied", "cannot open …/x.json: denied"),
        ("got 'Kim is ill", "got '…'"),
        (r'unexpected "{\"name\": \"Kim\"}" in row 3', 'unexpected "…" in row 3'),
        ("module 'json' has no 'loads', half and/or 3/4", "module 'json' has no 'loads', half and/or 3/4"),
    ],
)
def test_the_text_of_a_crash_quotes_no_data_and_no_folder(text: str, shown: str) -> None:
    assert crash.shown(text, {"json", "loads"}) == shown


def test_a_bundle_names_what_the_code_says_and_not_what_the_data_say() -> None:
    row = dict.fromkeys(["private-row"])
    for broken, kept in ((lambda: row["a word of the code"], True), (lambda: int(next(iter(row))), False)):
        with pytest.raises((KeyError, ValueError)) as caught:
            broken()
        caught.value.__traceback__ = caught.value.__traceback__.tb_next  # type: ignore[union-attr]
        text = crash.bundle(caught.value, "x")["errors"][0]["text"]
        assert ("a word of the code" in text) is kept
        assert "private-row" not in text


def test_an_unforeseen_error_of_a_command_is_words_a_code_and_a_bundle(tmp_path: Path) -> None:
    code = (
        "import sys, tuner_tui.cli as cli, tuner_tui.commands.rules as rules\n"
        "def burst(args): raise RuntimeError('boom')\n"
        "rules.run = burst\n"
        "sys.exit(cli.main(['rules', '--lang', 'ko']))"
    )
    environ = {"TUNER_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ, cwd=ROOT)
    assert done.returncode == 1
    assert "[cli.crashed]" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(list((tmp_path / "crashes").glob("crash-*.json"))) == 1
