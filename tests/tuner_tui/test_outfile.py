"""A file that a command is asked for never costs the work before it, nor what stood in its place."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from advisor.errors import InputError
from tuner_tui import crash, outfile

RECIPE = outfile.holds("label", "model")


def tuner(cwd: Path, *args: str | bytes) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TUNER_HOME": str(cwd / "home"), "TUNER_LANG": "en", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "tuner_tui", *args], cwd=cwd, env=env, capture_output=True, text=True, errors="replace"
    )


def test_an_earlier_one_of_its_kind_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "recipe.yaml"
    for content in (b"label: a\nmodel: {}\n", b"label: b\nmodel: {}\n"):
        outfile.write(path, content, RECIPE)
        assert path.read_bytes() == content
    for other in (b'{"instruction": "a"}\n{"instruction": "b"}\n', b"a,b\n1,2\n", os.urandom(64)):
        path.write_bytes(other)
        for attempt in (lambda: outfile.check(path, RECIPE), lambda: outfile.write(path, b"label: c\n", RECIPE)):
            with pytest.raises(InputError, match=r"file\.other"):
                attempt()
        assert path.read_bytes() == other


def test_a_link_keeps_leading_where_it_led(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("label: a\nmodel: {}\n")
    (tmp_path / "link").symlink_to("real")
    outfile.write(tmp_path / "link", b"label: b\nmodel: {}\n", RECIPE)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text().startswith("label: b")


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=r"file\.unwritable"):  # nobody reads
        outfile.write(pipe, b"label: a\n", RECIPE)
    ready = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    reader = threading.Thread(target=lambda: heard.append(os.read(ready, 100)))
    outfile.write(pipe, b"label: a\n", RECIPE)
    reader.start()
    reader.join()
    os.close(ready)
    assert heard == [b"label: a\n"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", [".", "loop", "file/x", "x" * 300], ids=["folder", "ring", "below a file", "long"])
def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=r"file\.unwritable"):
        outfile.check(tmp_path / place, RECIPE)


def test_a_plan_does_not_replace_the_data_it_is_made_from(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps({"instruction": f"q{n}", "output": f"a{n}"}) + "\n" for n in range(30)))
    before = data.read_bytes()
    done = tuner(tmp_path, "plan", "--practice", "--label", "ft/sft:lora", "--out", "rows.jsonl")
    assert (done.returncode, data.read_bytes()) == (2, before)
    assert "[file.other]" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("inspect", "x" * 5000),
        ("inspect", "~nobody-of-this-name/x"),
        ("prepare", "rows.jsonl", "--out", "rows.jsonl/x"),
        ("prepare", "rows.jsonl", "--out", "x" * 5000),
        ("prepare", "rows.jsonl", "--out", b"\xff\xfe"),
        ("index", b"\xff\xfe"),
        ("index", "x" * 5000),
        ("models", "x" * 5000),
        ("watch", "x" * 5000),
        ("resume", "~nobody-of-this-name/x"),
    ],
    ids=lambda args: f"{args[0]} {args[-1]!r}"[:40],
)
def test_a_path_that_cannot_be_is_bad_input_and_no_crash(tmp_path: Path, args: tuple[str | bytes, ...]) -> None:
    rows = "".join(json.dumps({"instruction": f"q{n}", "output": f"a{n}"}) + "\n" for n in range(30))
    (tmp_path / "rows.jsonl").write_text(rows)
    done = tuner(tmp_path, *args)
    assert done.returncode == 2, done.stderr[-500:]
    assert "[cli.crashed]" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "crashes").exists()


def test_a_file_of_ours_that_is_missing_is_still_a_fault_of_ours() -> None:
    for path, told in ((__file__, False), (crash.__file__, True)):
        error = FileNotFoundError(2, "No such file", str(Path(path).with_name("gone.json")))
        assert (crash.given(error) is None) is (told or "tuner_tui" in Path(path).parts)
    assert crash.given(FileNotFoundError(2, "No such file", "/data/gone.json")) is not None
    assert crash.given(ValueError("x")) is None
