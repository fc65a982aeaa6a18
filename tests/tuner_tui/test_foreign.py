"""A stranger's model folder is described or refused in words: nobody waits for it, and it reaches nothing."""

import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import InputError
from advisor.recipe import ModelSpec
from tuner_tui import paths
from tuner_tui.foreign import json_in, mapping, opened, tensors
from tuner_tui.inspect.talk import Talk
from tuner_tui.inspect.tokens import Counter
from tuner_tui.model_folders import read_model
from tuner_tui.runs.preflight import check_model

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the practice model, to be spoilt."""
    made = tmp_path / "m"
    made.mkdir()
    for path in (paths.samples() / "model").iterdir():
        if path.is_file():
            shutil.copy(path, made / path.name)
    return made


def header(content: object, data: bytes = b"x" * 8, length: int | None = None) -> bytes:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def tensor(**changed: object) -> dict[str, object]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changed}}


def test_a_header_that_tells_the_truth_is_read(tmp_path: Path) -> None:
    path = tmp_path / WEIGHTS
    path.write_bytes(header({**tensor(), "__metadata__": {"format": "pt"}}))
    assert {name: found.count for name, found in tensors(path).items()} == {"a": 2}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        header(tensor(), length=2**63),
        header(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        header([1, 2]),
        header(b"\xff\xfe"),
        header(tensor(shape=["ab", 10**9])),
        header(tensor(shape=None)),
        header(tensor(shape=[-5, 3])),
        header(tensor(shape=[2**62] * 200_000)),
        header(b'{"a":{"dtype":"F32","shape":[1e308],"data_offsets":[0,8]}}'),
        header(tensor(data_offsets=[0, 10**18])),
        header(tensor(data_offsets=[8, 0])),
        header(tensor(data_offsets=["0", "8"])),
        header(tensor(shape=[200_000, 200_000])),
    ],
    ids=lambda content: repr(content[8:40]),
)
def test_a_header_that_lies_is_refused(folder: Path, content: bytes) -> None:
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        tensors(folder / WEIGHTS)
    with pytest.raises(InputError, match=r"runs\.model\.cut_off"):
        check_model(ModelSpec(id=str(folder)))


@given(st.binary(max_size=200), st.binary(max_size=40))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_as_weights_are_tensors_or_a_value_error(tmp_path: Path, raw: bytes, data: bytes) -> None:
    path = tmp_path / WEIGHTS
    for content in (raw, header(raw, data), header(b'{"a":' + raw + b"}", data)):
        path.write_bytes(content)
        try:
            tensors(path)
        except ValueError:
            continue


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "sub/model.safetensors", "evil.bin", "..", ""])
def test_an_index_opens_nothing_outside_and_no_pickle(folder: Path, name: str) -> None:
    (folder / "evil.bin").write_bytes(b"\x80\x04.")
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(InputError, match=r"runs\.model\.outside"):
        check_model(ModelSpec(id=str(folder)))


@pytest.mark.parametrize("content", ["[" * 200_000, '{"weight_map": 5}', '{"weight_map": {"a": 5}}', "{}", "\x00"])
def test_an_index_of_another_form_is_refused(folder: Path, content: str) -> None:
    (folder / INDEX).write_text(content)
    with pytest.raises(InputError, match=r"\[(runs\.model\.|file\.)"):
        check_model(ModelSpec(id=str(folder)))


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def ring(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("kind", [pipe, endless, ring, Path.mkdir])
@pytest.mark.parametrize(
    "name",
    [
        WEIGHTS,
        "other.safetensors",
        INDEX,
        "config.json",
        "tokenizer_config.json",
        "tokenizer.json",
        "chat_template.jinja",
    ],
)
def test_what_is_no_file_is_not_waited_for_nor_read(folder: Path, name: str, kind: Callable[[Path], None]) -> None:
    """In a process of its own: what waits for a pipe would wait for ever."""
    (folder / name).unlink(missing_ok=True)
    kind(folder / name)
    code = (
        "import sys; from pathlib import Path; from advisor.errors import InputError;"
        "from tuner_tui.inspect.tokens import Counter; from tuner_tui.model_folders import read_model\n"
        "for look in (read_model, Counter):\n"
        "    try: look(Path(sys.argv[1]))\n"
        "    except InputError as error: print(error.text('en'))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr[-800:]


def test_small_files_are_bounded_in_kind_size_and_depth(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for content in (b"[" * 100_000, b"\xff", b"{", b" " * 100 + b"{}"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"file\.unreadable"):
            json_in(path, 50 if content.startswith(b" ") else 1 << 20)
        assert mapping(path, 50) == {}
    with pytest.raises(OSError, match="regular"):
        opened(tmp_path)


def replace(pattern: dict[str, str], content: str) -> dict[str, object]:
    return {"type": "Replace", "pattern": pattern, "content": content}


BOMB = {"type": "Sequence", "normalizers": [replace({"String": "a"}, "a" * 50)] * 8}
NESTED = {"type": "Sequence", "normalizers": [BOMB]}


@pytest.mark.parametrize("part", ["normalizer", "decoder"])
@pytest.mark.parametrize("rule", [BOMB, NESTED, replace({"Regex": ""}, "x" * 2000)], ids=["row", "nested", "regex"])
def test_a_tokenizer_that_makes_texts_without_end_is_not_loaded(folder: Path, part: str, rule: object) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**content, part: rule}))
    for look in (Counter, lambda path: check_model(ModelSpec(id=str(path)))):
        with pytest.raises(InputError, match=r"inspect\.tokenizer_grows"):
            look(folder)


def test_a_tokenizer_of_ordinary_rules_is_loaded(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    rule = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")]}
    (folder / "tokenizer.json").write_text(json.dumps({**content, "normalizer": rule}))
    Counter(folder)


def test_a_tokenizer_whose_pattern_runs_away_is_told(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    slow = {"type": "Split", "pattern": {"Regex": "(a+a+)+$|([a-z ]+)+!$"}, "behavior": "Isolated", "invert": False}
    (folder / "tokenizer.json").write_text(json.dumps({**content, "pre_tokenizer": slow}))
    with pytest.raises(InputError, match=r"inspect\.bad_tokenizer"):
        Counter(folder).lengths([Talk("a" * 60 + " b c d e f", "x" * 40 + "1")])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("hidden_size", value) for value in ("abc", -1, 10**18, 1.5, True, None, [1], 0)),
        *(("num_hidden_layers", value) for value in ("9" * 5000, 10**9)),
        *(("architectures", value) for value in (5, [5], [], "x" * 100_000)),
        *(("model_type", value) for value in (["llama"], "../../etc", None, {})),
        *(("quantization_config", value) for value in ("x", [1], {"quant_method": 5})),
        *(("text_config", value) for value in (5, {"hidden_size": "x"}, [])),
        *(("rope_scaling", value) for value in ("evil", {"factor": "y"})),
        *(("max_position_embeddings", value) for value in ("big", 10**30)),
        *((key, "x") for key in ("layer_types", "vocab_size", "tie_word_embeddings", "sliding_window", "auto_map")),
    ],
    ids=repr,
)
def test_a_configuration_of_odd_types_is_described_or_refused(folder: Path, key: str, value: object) -> None:
    from tuner_tui.inspect import model
    from tuner_tui.model_shapes import find_config

    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: value}))
    for look in (
        read_model,
        Counter,
        lambda path: model.read_model(str(path)),
        lambda path: shape(find_config(str(path))),
    ):
        with contextlib.suppress(InputError):
            look(folder)


def shape(config: object) -> object:
    from advisor.architecture import from_config

    return from_config(config, "m")  # type: ignore[arg-type]
