"""Planted keys reach nothing that is written; a stranger's code and pickles are refused by name and remedy."""

import base64
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
import yaml

from advisor.errors import InputError
from advisor.recipe import ModelSpec, decode_recipe
from tuner_tui import paths
from tuner_tui.redact import CHUNK, GONE, Shield, hold, mask, redacted, redactor
from tuner_tui.runs.events import EventKind, EventWriter
from tuner_tui.runs.preflight import check_adapter, check_model, refuse_code
from tuner_tui.training.checkpoint import PARTIAL, Manifest, manifest_of, refuse_others, seal

HUB, OPEN, OWN = "hf_" + "C4n4ry" * 5, "sk-" + "C4n4ry0pen" * 3, "my-own-canary-value-93651"
TRACKED = "4canary5" * 5
PLANTED = {"HF_TOKEN": HUB, "OPENAI_API_KEY": OPEN, "COMPANY_API_TOKEN": OWN, "WANDB_API_KEY": TRACKED}


def model_of(folder: Path, **config: object) -> ModelSpec:
    """A copy of the practice model, its configuration changed."""
    folder.mkdir()
    for path in (paths.samples() / "model").iterdir():
        if path.name != "config.json" and path.is_file():
            (folder / path.name).symlink_to(path)
    found = json.loads((paths.samples() / "model" / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**found, **config}))
    return ModelSpec(id=str(folder))


def test_code_of_a_model_is_refused_unless_that_model_is_named(tmp_path: Path) -> None:
    spec = model_of(tmp_path / "m", model_type="strangers", auto_map={"AutoConfig": "evil.Config"})
    with pytest.raises(InputError, match=r"runs\.model\.own_code"):
        check_model(spec)
    check_model(ModelSpec(id=spec.id, trust_remote_code=spec.id))
    for unnamed in (True, "someone/else"):
        with pytest.raises(InputError, match=r"runs\.model\.trust"):
            refuse_code(ModelSpec(id=spec.id, trust_remote_code=unnamed))


def test_code_beside_an_architecture_that_transformers_has_is_never_run(tmp_path: Path) -> None:
    """The child loads the model with the library's own code, whatever lies beside it."""
    spec = model_of(tmp_path / "m", auto_map={"AutoModelForCausalLM": "evil.Model", "AutoConfig": "evil.Config"})
    (tmp_path / "m" / "evil.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')")
    check_model(spec)
    code = (
        "import sys; from transformers import AutoModelForCausalLM; from advisor.recipe import ModelSpec;"
        "from tuner_tui.training.model import from_hub, load_tokenizer; spec = ModelSpec(id=sys.argv[1]);"
        "load_tokenizer(spec); from_hub(AutoModelForCausalLM, spec, use_safetensors=True)"
    )
    done = subprocess.run([sys.executable, "-c", code, spec.id], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("key", ["_attn_implementation_internal", "trust_remote_code"])
def test_a_configuration_that_forces_the_loader_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match=key):
        check_model(model_of(tmp_path / "m", **{key: "evil/kernel"}))


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter.pt", "weights.pkl"])
def test_a_pickled_adapter_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match="pickle"):
        check_adapter(tmp_path)
    (tmp_path / "adapter_model.safetensors").touch()
    check_adapter(tmp_path)


def test_events_carry_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    with EventWriter(tmp_path / "events.jsonl") as events:
        events.emit(EventKind.SAMPLE, prompt=f"say {HUB}", answers=[{"a": OPEN}, OWN], step=1)
    text = (tmp_path / "events.jsonl").read_text()
    assert not any(value in text for value in PLANTED.values())
    assert json.loads(text)["answers"] == [{"a": GONE}, GONE]


@pytest.mark.parametrize(
    ("name", "value", "gone"),
    [
        ("SERVICE_KEY", "plain-canary-1", True),
        ("MY_PASS", "plain-canary-1", True),
        ("AWS_SECRET_ACCESS_KEY", "/begins/like/a/path+canary1", True),
        ("HTTPS_PROXY", "http://me:p@ss-canary@proxy:1", True),
        ("GIT_AUTHOR_NAME", "plain-canary-1", False),
        ("SSH_KEY_PATH", "/home/canary/.ssh/id", False),
        ("SSH_AUTH_SOCK", "/tmp/canary/agent", False),
        ("KEYBOARD", "plain-canary-1", False),
    ],
)
def test_what_is_a_key_is_told_by_its_variables_name(name: str, value: str, gone: bool) -> None:
    secret = "p@ss-canary" if "@proxy" in value else value
    assert ("canary" not in redactor({name: value})(f"said {secret} again")) is gone


def test_a_key_is_known_however_it_is_written() -> None:
    value = 'qu"ote\\back/slash 열쇠\n'
    hides = redactor({"ODD_TOKEN": value})
    for form in (value, json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value), quote(value, safe="")):
        assert GONE in hides(f"<{form}>"), form
    head = base64.b64encode(value.encode()).decode()
    assert head.rstrip("=") not in hides(f"token {head}")
    for header in ("Authorization: Bearer abc123def456ghi7", "authorization': 'Basic bWU6c2VjcmV0LWNhbmFyeQ=='"):
        assert GONE in redactor({})(header)
    assert redactor({})("Bearer of good tidings, Basic understanding") == "Bearer of good tidings, Basic understanding"


def test_a_key_that_is_told_later_goes_too() -> None:
    hides, late = redactor(), "told-late-canary-4471"
    assert hides(late) == late
    hold(late)
    assert hides(late) == GONE


def test_a_variable_that_is_no_utf8_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_TOKEN", "canary-\udcff\udcfe-canary")
    (tmp_path / "log").write_bytes(b"x canary-\xff\xfe-canary x")
    assert mask(tmp_path / "log") == 1
    assert redactor()("a canary-\udcff\udcfe-canary") == f"a {GONE}"


def test_a_shielded_stream_prints_no_key() -> None:
    stream = io.StringIO()
    shield = Shield(stream)
    shield._redact = redactor(PLANTED)
    print(f"GET https://u:{OPEN}@host/v1?api_key=plainsecret1 {HUB} {OWN}", file=shield)
    assert "plainsecret1" not in stream.getvalue()
    assert not any(value in stream.getvalue() for value in PLANTED.values())
    assert redacted({"a": [1, None, OPEN]}, redactor({})) == {"a": [1, None, GONE]}


def test_what_a_library_prints_past_python_is_masked_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    log = tmp_path / "output.log"
    across = b"x" * (CHUNK - 5) + HUB.encode() + b"\n"  # begins in one piece of the file and ends in the next
    log.write_bytes("가 ".encode() + OWN.encode() + b" \xff\x00\n" + across + TRACKED.encode() + b" end\n")
    size = log.stat().st_size
    assert mask(log) == 3
    left = log.read_bytes()
    assert len(left) == size
    assert left.startswith("가 ".encode() + b"*" * len(OWN) + b" \xff\x00\n")
    assert left.endswith(b"* end\n")
    assert not any(value.encode() in left for value in PLANTED.values())
    assert mask(log) == 0
    (tmp_path / "link").symlink_to(log)
    assert mask(tmp_path / "link") == mask(tmp_path / "none") == 0


def child(folder: Path, recipe: dict[str, object], home: Path) -> subprocess.CompletedProcess[str]:
    """The training child on its own, keys in its environment."""
    folder.mkdir()
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    env = {**os.environ, **PLANTED, "TUNER_HOME": str(home), "TUNER_LANG": "en"}
    with (folder / "output.log").open("wb") as log:
        command = [sys.executable, "-m", "tuner_tui.training", str(folder)]
        return subprocess.run(command, env=env, stdout=log, stderr=log, text=True)


def refuse_planted(*roots: Path) -> None:
    """No planted key is in any file."""
    written = [path for root in roots for path in root.rglob("*") if path.is_file()]
    assert written
    for value in PLANTED.values():
        assert not [str(path) for path in written if value.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_run_that_fails_leaves_a_bundle_and_no_key(tmp_path: Path) -> None:
    """An error that nobody foresaw, whose own text holds a key; and an endpoint that does not answer."""
    rows = [{"instruction": f"What is {n}?", "output": str(n)} for n in range(24)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "label": "ft/sft:lora",
        "model": {"id": str(paths.samples() / "model")},
        "data": {"train": str(tmp_path / "rows.jsonl"), "eval_fraction": 0.25},
        "train": {"max_steps": 2, "scheduler": OWN, "threads": 1},
    }
    assert child(tmp_path / "unforeseen", recipe, tmp_path / "home").returncode == 1
    [bundle] = (tmp_path / "unforeseen").glob("crash-*.json")
    assert json.loads(bundle.read_text())["errors"][0]["places"]
    assert "training.exit.error" in (tmp_path / "unforeseen" / "events.jsonl").read_text()
    taught = {**recipe, "label": "ft/distill:lora", "train": {"max_steps": 2, "threads": 1}}
    (tmp_path / "asked.jsonl").write_text("".join(json.dumps({"prompt": row["instruction"]}) + "\n" for row in rows))
    taught["data"] = {"train": str(tmp_path / "asked.jsonl"), "eval_fraction": 0.25}
    taught["teacher"] = {"model": "m", "endpoint": f"http://127.0.0.1:9/v1?api_key={OWN}", "key_env": "OPENAI_API_KEY"}
    done = child(tmp_path / "taught", taught, tmp_path / "home")
    assert done.returncode in (1, 2)
    assert "error" in (tmp_path / "taught" / "events.jsonl").read_text()
    for folder in ("unforeseen", "taught"):
        (tmp_path / folder / "recipe.yaml").unlink()  # written by this test; `tuner run` refuses such a recipe
    refuse_planted(tmp_path / "unforeseen", tmp_path / "taught", tmp_path / "home")


def test_a_key_in_the_data_is_not_exported(tmp_path: Path) -> None:
    from tuner_tui.export.place import Place

    place = Place(tmp_path / "out", ["rows.jsonl"])
    with pytest.raises(InputError, match=r"export\.secret"):
        place.write("rows.jsonl", f'{{"prompt": "{HUB}"}}\n')
    place.discard()


@pytest.mark.slow
def test_planted_keys_are_in_no_byte_of_a_run_or_its_exports(tmp_path: Path) -> None:
    """In the environment and in the data: a real run, its report and every export that it allows are searched."""
    rows = [{"instruction": f"What is key {n}? {HUB}", "output": f"{OPEN} answer"} for n in range(24)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "label": "ft/sft:lora",
        "model": {"id": str(paths.samples() / "model")},
        "data": {"train": str(tmp_path / "rows.jsonl"), "eval_fraction": 0.25},
        "train": {"max_steps": 2, "micro_batch": 4, "max_length": 256, "threads": 1},
        "evaluation": {"max_new_tokens": 8, "max_items": 4},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    decode_recipe((tmp_path / "recipe.yaml").read_bytes(), "recipe")
    home = tmp_path / "home"
    env = {**os.environ, **PLANTED, "TUNER_HOME": str(home), "TUNER_LANG": "en"}
    command = [sys.executable, "-m", "tuner_tui"]
    told = subprocess.run([*command, "run", str(tmp_path / "recipe.yaml")], env=env, capture_output=True, text=True)
    assert json.loads(told.stdout.splitlines()[-1])["state"] == "finished", told.stderr[-2000:]
    said = told.stdout + told.stderr
    for target in ("recipe", "adapter", "trl-script", "openai", "trl", "llamafactory", "hub"):
        out = tmp_path / "out" / target
        done = subprocess.run(
            [*command, "export", "last", "--to", target, "--out", str(out)], env=env, capture_output=True, text=True
        )
        said += done.stdout + done.stderr
    written = [path for root in (home, tmp_path / "out") for path in root.rglob("*") if path.is_file()]
    assert len(written) > 10
    for value in PLANTED.values():
        assert value not in said
        holding = [str(path) for path in written if value.encode() in path.read_bytes()]
        assert not holding
    shared = [path for path in home.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077 and path.is_file()]
    assert not [path for path in shared if "runs" in path.parts], shared


def checkpoint_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Manifest]:
    """A sealed checkpoint of step 2."""
    monkeypatch.setenv("TUNER_HOME", str(folder / "home"))
    written = folder / "checkpoints" / PARTIAL / "checkpoint-2"
    written.mkdir(parents=True)
    (written / "optimizer.pt").write_bytes(b"\x80\x04.")
    path = seal(folder / "checkpoints", 2, recipe_sha256="r", data_sha256="d", threads=1)
    manifest = manifest_of(path)
    assert manifest is not None
    assert stat.S_IMODE((folder / "home" / "trust.key").stat().st_mode) == 0o600
    return path, manifest


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_checkpoint_of_another_user_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, manifest = checkpoint_of(tmp_path, monkeypatch)
    refuse_others(folder, manifest)
    os.chown(folder / "optimizer.pt", 12345, -1)
    with pytest.raises(InputError, match="12345"):
        refuse_others(folder, manifest)


def test_a_checkpoint_that_was_brought_here_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With our own uid on every file and a manifest whose hashes fit, as an unpacked archive has them."""
    folder, manifest = checkpoint_of(tmp_path, monkeypatch)
    forged = msgspec.structs.replace(manifest, seal=None)
    for other in (forged, msgspec.structs.replace(manifest, step=3), msgspec.structs.replace(forged, seal="0" * 64)):
        with pytest.raises(InputError, match=r"training\.foreign_checkpoint"):
            refuse_others(folder, other)
    key = (tmp_path / "home" / "trust.key").read_bytes()
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(InputError, match=r"training\.foreign_checkpoint"):
        refuse_others(folder, manifest)
    (tmp_path / "elsewhere" / "trust.key").write_bytes(key)
    refuse_others(folder, manifest)
    (tmp_path / "elsewhere" / "trust.key").chmod(0o644)
    with pytest.raises(InputError, match=r"training\.foreign_checkpoint"):
        refuse_others(folder, manifest)


def test_the_readme_prints_the_help_as_it_is() -> None:
    env = {**os.environ, "TUNER_LANG": "en"}
    told = subprocess.run([sys.executable, "-m", "tuner_tui", "--help"], env=env, capture_output=True, text=True)
    assert told.stdout.rstrip() in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
