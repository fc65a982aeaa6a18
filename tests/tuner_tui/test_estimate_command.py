"""`tuner estimate` and `tuner models` as a person or a script uses them."""

import json
import struct
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from advisor.memory import Range, estimate, of_recipe, spec_from
from advisor.recipe import decode_recipe
from tuner_tui import traced
from tuner_tui.calibration import Measured, corrected, measured_runs, remember, remembered
from tuner_tui.cli import main
from tuner_tui.estimated import lines
from tuner_tui.model_shapes import find_config

TINY = {
    "model_type": "llama",
    "hidden_size": 256,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 704,
    "vocab_size": 4096,
    "tie_word_embeddings": True,
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where nothing was measured yet."""
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUNER_LANG", "en")
    return tmp_path


def write(path: Path, value: object) -> str:
    """A JSON file."""
    path.write_text(json.dumps(value))
    return str(path)


def test_a_line_that_cannot_be_read_is_answered_with_its_error_and_the_others_are_answered(
    home: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    good = {"model": {"config": TINY}, "technique": "lora"}
    lines = [{**good, "id": "a"}, {**good, "id": "b", "optimizer": "nonsense"}, "torn", {**good, "id": "c"}]
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (home / "mixed.jsonl").write_text(text)
    assert main(["estimate", "--spec", str(home / "mixed.jsonl"), "--json", "--batch"]) == 2
    done = capsysbinary.readouterr()
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [one["id"] for one in found] == ["a", "b", None, "c"]
    assert ["error" in one for one in found] == [False, True, True, False]
    assert "nonsense" in found[1]["error"]
    assert b"nonsense" in done.err


def test_a_batch_answers_line_by_line_in_order(home: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = [json.dumps({"id": f"s{n}", "model": {"config": TINY}, "seq_len": 2**n}) for n in range(6, 11)]
    (home / "specs.jsonl").write_text("\n".join(lines) + "\n")
    assert main(["estimate", "--spec", str(home / "specs.jsonl"), "--json", "--batch"]) == 0
    found = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert [one["id"] for one in found] == ["s6", "s7", "s8", "s9", "s10"]
    likely = [one["allocated_gb"]["likely"] for one in found]
    assert likely == sorted(likely)


def test_a_card_that_cannot_hold_it_is_exit_3_with_the_smallest_change(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["estimate", "--model", "meta-llama/Llama-3.1-8B", "--technique", "full", "--gpu", "RTX 4090"]
    assert main(asked) == 3
    assert "technique=lora" in capsys.readouterr().out
    assert main([*asked[:3], "--technique", "qlora", "--vram", "24"]) == 0


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (["estimate"], "--model"),
        (["estimate", "--model", "nobody/none"], "nobody/none"),
        (["estimate", "--model", "Qwen/Qwen3-8B", "--gpu", "Mystery"], "Mystery"),
        (["estimate", "--model", "Qwen/Qwen3-8B", "--vram", "-1"], "-1"),
        (["models", "nobody/none"], "nobody/none"),
    ],
)
def test_what_cannot_be_used_is_exit_2_and_named(
    asked: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(asked) == 2
    assert named in capsys.readouterr().err


def test_the_table_lists_methods_by_memory_with_what_is_possible(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "--model", "Qwen/Qwen3-8B", "--table", "--vram", "24", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    peaks = [row["peak_gb"]["likely"] for row in found["methods"]]
    assert peaks == sorted(peaks)
    verdicts = {row["name"]: row["verdict"] for row in found["methods"]}
    assert verdicts["qlora"] == "yes"
    assert verdicts["full adamw"] == "no"
    assert main(["--lang", "ko", "estimate", "--model", "Qwen/Qwen3-8B", "--table", "--vram", "24"]) == 0
    assert "│" in capsys.readouterr().out


def test_a_folder_and_a_config_file_are_read_from_their_own_files(home: Path) -> None:
    folder = home / "model"
    folder.mkdir()
    write(folder / "config.json", TINY)
    assert find_config(str(folder)) == find_config(str(folder / "config.json")) == TINY


def gguf(path: Path) -> Path:
    """A GGUF file with metadata and one tensor's description."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    keys: list[bytes] = [text("general.architecture") + struct.pack("<I", 8) + text("qwen3")]
    numbers = {"embedding_length": 1024, "block_count": 28, "attention.head_count": 16, "attention.head_count_kv": 8}
    numbers |= {"attention.key_length": 128, "feed_forward_length": 3072}
    keys += [text(f"qwen3.{name}") + struct.pack("<II", 4, value) for name, value in numbers.items()]
    tokens = b"".join(text(f"t{n}") for n in range(100))
    keys.append(text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 100) + tokens)
    tensor = text("token_embd.weight") + struct.pack("<IQQIQ", 2, 1024, 100, 0, 0)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys)) + b"".join(keys) + tensor)
    return path


def test_a_gguf_file_tells_its_shape(home: Path) -> None:
    config = find_config(str(gguf(home / "m.gguf")))
    assert config is not None
    assert (config["hidden_size"], config["num_hidden_layers"], config["vocab_size"]) == (1024, 28, 100)
    assert config["tie_word_embeddings"] is True
    assert estimate(spec_from({"model": {"config": config}}, "m.gguf")).peak_gb.likely > 0


@pytest.mark.parametrize("size", [0, 3, 10, 60, 200])
def test_a_torn_gguf_file_is_refused_by_name(home: Path, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    whole = gguf(home / "m.gguf").read_bytes()
    (home / "torn.gguf").write_bytes(whole[:size])
    assert main(["models", str(home / "torn.gguf")]) == 2
    assert "torn.gguf" in capsys.readouterr().err


def test_models_lists_the_catalogue_with_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    known = [row for row in rows if row["source"] == "catalog"]
    assert len(known) >= 54
    assert all(row["params_b"] and row["shape_source"] for row in known)


def test_measured_runs_of_the_same_kind_correct_the_estimate_and_say_so() -> None:
    spec = spec_from({"model": {"config": TINY}, "technique": "lora"}, "test")
    plain = estimate(spec)
    run = {"run": "r", "device": "gpu", "objective": "sft", "torch": "2", "computed_gb": Range(9, 10.0, 11)}
    twice = [Measured(technique="lora", measured_gb=11.0, **run)] * 2  # type: ignore[arg-type]
    known = corrected(plain, spec, twice)
    assert known.peak_gb.likely == pytest.approx(plain.peak_gb.likely * 1.075, rel=1e-3)
    assert known.tier == "measured"
    assert known.calibrated == 0.75
    assert known.calibrated_by == {"runs": 2, "gpu": None, "driver": None, "torch": "2", "attn": None, "loss": None}
    assert "75%" in "\n".join(lines(known))
    assert "0%" in "\n".join(lines(plain))
    assert known.peak_gb.high / known.peak_gb.low < plain.peak_gb.high / plain.peak_gb.low
    for differs in ({"technique": "full"}, {"attn": "eager"}, {"loss": "liger"}):
        other = [Measured(**{"technique": "lora", "measured_gb": 20.0, **run, **differs})]  # type: ignore[arg-type]
        assert corrected(plain, spec, other) == plain
    here = msgspec.structs.replace(spec, gpu="RTX 4090")
    elsewhere = [Measured(technique="lora", measured_gb=20.0, gpu="Tesla T4", **run)]  # type: ignore[arg-type]
    assert corrected(plain, here, elsewhere) == plain
    upgraded = [
        Measured(technique="lora", measured_gb=size, driver=driver, **run)  # type: ignore[arg-type]
        for size, driver in ((11.0, "580"), (20.0, "550"))
    ]
    assert corrected(plain, spec, upgraded) == corrected(plain, spec, upgraded[:1])


def test_only_runs_that_a_gpu_driver_counted_are_used(home: Path) -> None:
    write_run(home / "runs" / "cpu", "host")
    write_run(home / "runs" / "gpu", "nvml")
    (home / "runs" / "broken").mkdir()
    (home / "runs" / "broken" / "report.json").write_text("{")
    assert [one.run for one in measured_runs(home / "runs", device="gpu")] == ["gpu"]
    assert {one.run for one in measured_runs(home / "runs")} == {"gpu", "cpu"}


def test_a_recipe_on_the_processor_has_a_time_only_after_a_run_was_timed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = ["plan", "--practice", "--label", "ft/style:lora", "--out", str(home / "r.yaml")]
    assert main(plan) == 0
    asked = ["estimate", "--recipe", str(home / "r.yaml"), "--json"]
    capsys.readouterr()
    assert main(asked) == 0
    before = json.loads(capsys.readouterr().out)
    if before["device"]["kind"] == "cpu":
        assert before["hours"] is None
        assert before["estimate"]["parts"]["libraries"] > 0
    assert before["steps"] > 0
    assert before["longest_tokens"] > 0
    write_run(home / "home" / "runs" / "timed", "host")
    assert main(asked) == 0
    after = json.loads(capsys.readouterr().out)
    if after["device"]["kind"] == "cpu":
        assert after["hours"]["low"] < after["hours"]["high"]
        assert after["timed_by"] == "timed"


def test_a_recipe_on_a_named_card_has_time_energy_and_money(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--practice", "--label", "ft/style:lora", "--out", str(home / "r.yaml")]) == 0
    capsys.readouterr()
    asked = ["estimate", "--recipe", str(home / "r.yaml"), "--gpu", "RTX 4090", "--json"]
    assert main([*asked, "--price", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["usd"]["likely"] == pytest.approx(2 * found["hours"]["likely"])
    assert found["price_checked"] is None
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["price_checked"]


def test_a_price_gives_money_for_a_million_tokens_only_where_time_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["estimate", "--model", "Qwen/Qwen3-8B", "--technique", "lora"]
    assert main([*asked, "--gpu", "RTX 4090", "--price", "3.6", "--json"]) == 0
    step = json.loads(capsys.readouterr().out)["step_s"]
    assert main([*asked, "--gpu", "RTX 4090", "--price", "3.6"]) == 0
    low, high = (f"{seconds * 0.001 * 1e6 / 1024:.3g}" for seconds in (step["low"], step["high"]))
    assert f"{low} to {high} USD" in capsys.readouterr().out
    assert main([*asked, "--price", "3.6"]) == 0
    assert "unknown" in capsys.readouterr().out
    assert main([*asked, "--price", "-1"]) == 2


def test_runs_are_shown_beside_what_is_computed_for_them(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(home / "home" / "runs" / "one", "host")
    assert main(["estimate", "--runs"]) == 0
    out = capsys.readouterr().out
    assert "one" in out
    assert "1.00 GiB" in out


def test_what_a_rehearsal_measured_is_kept_and_corrects_later_estimates(home: Path) -> None:
    write_run(home / "r", "host")
    recipe = decode_recipe((home / "r" / "recipe.yaml").read_bytes(), "r")
    config = find_config(str(home / "r" / "model"))
    assert config is not None
    spec = of_recipe(recipe, config, seq_len=300)
    plain = estimate(spec)
    assert corrected(plain, spec) == plain
    held = int(plain.allocated_gb.likely * 1.2 * 2**30)
    remember(recipe, {"at": 1.0, "allocated_bytes": held, "longest_tokens": 300})
    (home / "home" / "measured.jsonl").open("ab").write(b"torn")
    assert remembered()[0].ratio == pytest.approx(1.2, rel=1e-3)
    assert corrected(plain, spec).peak_gb.likely == pytest.approx(plain.peak_gb.likely * 1.1, rel=1e-3)


def test_a_finished_run_corrects_estimates_of_its_own_gpu_and_driver_only(home: Path) -> None:
    write_run(home / "runs" / "a", "nvml", gpu="NVIDIA T4", driver="570.1")
    (known,) = measured_runs(home / "runs", device="gpu")
    assert (known.gpu, known.driver, known.torch) == ("NVIDIA T4", "570.1", "2.13")
    spec = spec_from({"model": {"config": TINY}, "technique": "lora"}, "test")
    here, there = (msgspec.structs.replace(spec, gpu=name) for name in ("T4", "L4"))
    assert (corrected(estimate(here), here, [known]).calibrated_by or {})["gpu"] == "NVIDIA T4"
    assert corrected(estimate(there), there, [known]).calibrated == 0


def write_run(folder: Path, source: str, **machine: str) -> None:
    """What a finished run leaves of its memory."""
    (folder / "model").mkdir(parents=True)
    write(folder / "model" / "config.json", TINY)
    timed = {"steps": 10, "seconds": 20.0, "tokens": 5000}
    write(
        folder / "report.json",
        {"peak": {"bytes": 2**30, "source": source, **machine}, "versions": {"torch": "2.13"}, **timed},
    )
    recipe = {"label": "ft/sft:lora", "model": {"id": str(folder / "model")}, "data": {"train": "x.jsonl"}}
    write(folder / "recipe.yaml", recipe)


def test_a_recipe_is_estimated_as_our_training_runs_it() -> None:
    text = "label: ft/sft>dpo:lora\nmodel: {id: m}\ndata: {train: x}\ntrain: {max_length: 256, micro_batch: 4}\n"
    spec = of_recipe(decode_recipe(text, "r"), TINY)
    assert (spec.objective, spec.seq_len, spec.micro_batch, spec.autocast) == ("dpo", 256, 4, True)
    whole = of_recipe(decode_recipe(text, "r"), TINY, half=False)
    assert whole.precision == "fp32"
    assert estimate(whole).allocated_gb.likely > estimate(spec).allocated_gb.likely


def test_a_recipe_for_several_gpus_is_estimated_for_each_of_them() -> None:
    text = "label: ft/sft:full\nmodel: {id: m}\ndata: {train: x}\ntrain: {micro_batch: 2, grad_accum: 8}\n"
    alone = of_recipe(decode_recipe(text, "r"), TINY)
    copied = of_recipe(decode_recipe(text + "launch: {processes: 4}\n", "r"), TINY)
    split = of_recipe(decode_recipe(text + "launch: {processes: 4, strategy: fsdp2}\n", "r"), TINY)
    assert (copied.n_gpus, copied.micro_batch, copied.grad_accum) == (4, 2, 2)
    peaks = [estimate(one).allocated_gb.likely for one in (split, alone, copied)]
    assert peaks == sorted(peaks)


@pytest.mark.slow
def test_a_trace_that_fails_says_why_and_arithmetic_answers() -> None:
    spec = spec_from({"model": {"config": TINY}}, "test")
    done = traced.trace(spec, {}, {**TINY, "hidden_act": "no_such_activation"})
    assert done.fallback
    assert done.estimate == estimate(spec)


def test_a_trace_that_stops_in_the_middle_of_its_answer_falls_back_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = {"technique": "lora", "model": {"config": TINY}}
    spec = spec_from(raw, "test")
    monkeypatch.setattr(traced, "LIMIT_S", 0.5)
    tracer = traced.Tracer()
    code = "import sys, time; sys.stdout.write('{'); sys.stdout.flush(); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    tracer._child = child
    done = tracer.trace(spec, raw, TINY)
    assert "no answer" in str(done.fallback)
    assert done.estimate == estimate(spec)
    assert child.poll() is not None


@pytest.mark.slow
def test_a_trace_of_the_real_code_agrees_with_arithmetic() -> None:
    raw = {"technique": "lora", "seq_len": 512, "micro_batch": 2, "attn": "flash", "model": {"config": TINY}}
    spec = spec_from(raw, "test")
    done = traced.trace(spec, raw, TINY)
    assert done.fallback is None
    assert done.estimate.tier == "trace"
    assert done.estimate.allocated_gb.likely == pytest.approx(estimate(spec).allocated_gb.likely, rel=0.05)
    document = json.loads(msgspec.json.encode(done.estimate))
    assert sum(document["parts"].values()) == pytest.approx(document["peak_gb"]["likely"], abs=0.02)


def test_every_part_that_an_estimate_can_have_is_told_in_words() -> None:
    seen: set[str] = set()
    for technique in ("full", "lora", "qlora", "prefix", "prompt"):
        for objective in ("sft", "dpo", "grpo", "rlhf_ppo"):
            for strategy in ("ddp", "fsdp2", "zero2", "zero3"):
                for ckpt in (True, False):
                    keys = {"technique": technique, "objective": objective, "strategy": strategy, "grad_ckpt": ckpt}
                    found = estimate(spec_from({"model": {"config": TINY}, "n_gpus": 4, **keys}, "test"))
                    seen |= set(found.parts)
                    assert lines(found)
    assert {"gathered", "buckets", "weights", "activations"} <= seen
