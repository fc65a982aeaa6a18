"""The commands say what is true, in words on stderr and as one JSON document on stdout, and their exit codes agree."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.errors import InputError
from advisor.recipe import decode_recipe
from tuner_tui.runs.directory import RunDir, list_runs
from tuner_tui.runs.identity import alive, send
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.state import state_of
from tuner_tui.runs.watch import glance

Tuner = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., subprocess.Popen[str]]
Until = Callable[[Callable[[], object]], None]


def stepping(
    until: Until, begin: Begin, recipe: Path, scenario: str = "endless"
) -> tuple[subprocess.Popen[str], RunDir]:
    command = begin("run", str(recipe), scenario=scenario)
    until(lambda: list_runs() and glance(list_runs()[0]).step > 0)
    return command, list_runs()[0]


@pytest.mark.parametrize(
    ("scenario", "code", "state", "reason", "word"),
    [
        ("success", 0, "finished", "done", "it worked"),
        ("no_gain", 1, "finished", "done", "did not rise"),
        ("oom", 1, "failed", "oom", "out of memory"),
        ("bad_input", 2, "failed", "error", "row 3 is wrong"),
        ("dies_at_once", 1, "crashed", None, "did not say why"),
    ],
)
def test_run_is_told_as_it_ended(
    tuner: Tuner, recipe_file: Path, scenario: str, code: int, state: str, reason: str | None, word: str
) -> None:
    done = tuner("run", str(recipe_file), scenario=scenario)
    assert done.returncode == code
    last = json.loads(done.stdout.splitlines()[-1])
    assert list(last) == ["id", "dir", "state", "reason", "report"]
    assert (last["state"], last["reason"]) == (state, reason)
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_json_leaves_stdout_to_the_document_and_stderr_to_trouble(tuner: Tuner, recipe_file: Path) -> None:
    done = tuner("run", str(recipe_file), "--json")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1


def test_detach_returns_at_once_and_the_run_lives_on(tuner: Tuner, recipe_file: Path, until: Until) -> None:
    done = tuner("run", str(recipe_file), "--detach", scenario="endless")
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"] == "running"
    run = list_runs()[0]
    until(lambda: glance(run).step > 0)
    stopped = tuner("stop", run.id[:20], "--json")
    assert stopped.returncode == 0
    assert json.loads(stopped.stdout)["state"] == "stopped"
    assert tuner("stop", "last").returncode == 0, "stopping what has ended is no error"


def test_the_list_tells_a_killed_run_from_a_running_one(tuner: Tuner, recipe_file: Path, until: Until) -> None:
    tuner("run", str(recipe_file), "--detach", scenario="endless")
    run = list_runs()[0]
    until(lambda: glance(run).step > 0)
    listed = json.loads(tuner("runs", "--json").stdout)
    assert [(one["id"], one["state"], one["label"], one["steps"]) for one in listed] == [
        (run.id, "running", "ft/sft:lora", 20)
    ]
    assert list(listed[0]) == ["id", "dir", "state", "label", "step", "steps", "created"]
    info = run.info()
    assert info is not None
    assert info.identity is not None
    who = info.identity
    send(who, signal.SIGKILL)
    until(lambda: not alive(who))
    assert json.loads(tuner("runs", "--json").stdout)[0]["state"] == "crashed"
    assert "crashed" in tuner("runs").stdout


def test_an_interrupt_stops_the_run_with_a_checkpoint(begin: Begin, recipe_file: Path, until: Until) -> None:
    command, run = stepping(until, begin, recipe_file)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=300)
    assert command.returncode == 130
    assert json.loads(out.splitlines()[-1])["state"] == "stopped"
    assert "checkpoint" in err
    assert glance(run).checkpoints


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL, signal.SIGTERM])
def test_the_run_outlives_whoever_started_it(
    begin: Begin, tuner: Tuner, recipe_file: Path, until: Until, number: signal.Signals
) -> None:
    command, run = stepping(until, begin, recipe_file)
    command.send_signal(number)
    command.communicate(timeout=300)
    seen = glance(run).step
    until(lambda: glance(run).step > seen)
    assert state_of(run).live
    assert tuner("stop", run.id).returncode == 0


def test_the_run_outlives_its_terminal(tuner: Tuner, driver: list[str], recipe_file: Path, until: Until) -> None:
    """A real pseudo-terminal is closed while the command in it follows the run."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(driver[0], [*driver, "endless", "run", str(recipe_file)])
    until(lambda: list_runs() and glance(list_runs()[0]).step > 0)
    os.close(terminal)
    os.waitpid(pid, 0)
    run = list_runs()[0]
    seen = glance(run).step
    until(lambda: glance(run).step > seen)
    assert tuner("stop", run.id).returncode == 0


def test_watching_ends_with_the_run_and_changes_nothing(
    begin: Begin, tuner: Tuner, recipe_file: Path, until: Until
) -> None:
    _, run = stepping(until, begin, recipe_file)
    watchers = [begin("watch", run.id, "--json"), begin("watch", run.id)]
    assert watchers[0].stdout is not None
    assert json.loads(watchers[0].stdout.readline())["t"] == "start"
    assert watchers[1].stdout is not None
    watchers[1].stdout.readline()
    watchers[1].send_signal(signal.SIGINT)
    watchers[1].communicate(timeout=300)
    assert watchers[1].returncode == 130
    assert state_of(run).live
    tuner("stop", run.id)
    out, _ = watchers[0].communicate(timeout=300)
    assert json.loads(out.splitlines()[-1])["t"] == "exit"
    assert watchers[0].returncode == 1, "a stopped run is no success"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("data.train=missing.jsonl", "missing.jsonl"),
        ("model.id=./nowhere", "nowhere"),
        ("train.max_stepz=3", "train.max_stepz"),
        ("train.learning_rate=-1", "learning_rate"),
        ("label=zero_shot", "trains nothing"),
        ("nonsense", "nonsense"),
    ],
)
def test_bad_input_is_one_clear_message_and_leaves_no_run(
    tuner: Tuner, recipe_file: Path, change: str, word: str
) -> None:
    done = tuner("run", str(recipe_file), "--set", change)
    assert done.returncode == 2
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert not list_runs()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b'{"instruction": "a", "output": "b"}\n{"instruction": "a"\n', "row 2"),
        (b'{"instruction": "a", "output": "b"}\n\n[1]\n', "row 2 (:3)"),
        (b'{"instruction": "a", "output": "b"}\n{"question": "a"}\n', "row 2"),
        (b'{"instruction": "a", "output": 7}\n', "`output`"),
        (b"", "no rows"),
        (b"\xff\xfe{\x00", "UTF-8"),
    ],
)
def test_bad_data_names_file_and_row(tuner: Tuner, recipe_file: Path, content: bytes, word: str) -> None:
    recipe_file.with_name("train.jsonl").write_bytes(content)
    done = tuner("run", str(recipe_file))
    assert done.returncode == 2
    assert word in done.stderr
    assert "train.jsonl" in done.stderr
    assert not list_runs()


@pytest.mark.parametrize(
    ("gone", "word"),
    [("config.json", "config.json"), ("model.safetensors", "no weights"), ("tokenizer.json", "no tokenizer")],
)
def test_a_model_folder_that_lacks_a_part_is_refused(
    tuner: Tuner, recipe_file: Path, model_folder: Path, gone: str, word: str
) -> None:
    (model_folder / gone).unlink()
    done = tuner("run", str(recipe_file))
    assert done.returncode == 2
    assert word in done.stderr
    assert str(model_folder) in done.stderr


def test_weights_that_are_cut_off_or_pickled_are_refused(tuner: Tuner, recipe_file: Path, model_folder: Path) -> None:
    weights = model_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-2])
    assert "cut off" in tuner("run", str(recipe_file)).stderr
    weights.rename(model_folder / "pytorch_model.bin")
    assert "pickle" in tuner("run", str(recipe_file)).stderr


def test_a_hostile_log_does_not_reach_the_terminal(tuner: Tuner, recipe_file: Path) -> None:
    tuner("run", str(recipe_file), scenario="hostile")
    run = list_runs()[0]
    for command in (("watch", run.id), ("runs",), ("stop", run.id)):
        done = tuner(*command)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x9b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("label", "row", "fits"),
    [
        ("ft/distill:lora", {"prompt": "a"}, False),
        ("ft/distill:lora", {"prompt": "a", "completion": "b"}, True),
        ("ft/sft:lora", {"prompt": "a"}, False),
        ("ft/grpo:lora", {"prompt": "a", "completion": "b"}, True),
        ("ft/kto:lora", {"prompt": "a", "completion": "b", "label": True}, True),
        ("ft/kto:lora", {"prompt": "a", "completion": "b"}, False),
        ("ft/rlhf_ppo:lora", {"prompt": "a", "chosen": "b", "rejected": "c"}, True),
        ("ft/cpt:lora", {"text": "a"}, True),
        ("ft/cpt:lora", {"prompt": "a"}, False),
        ("ft/dpo:lora", {"prompt": "a", "chosen": "b"}, False),
    ],
)
def test_each_objective_knows_its_rows(recipe_file: Path, label: str, row: dict[str, object], fits: bool) -> None:
    path = recipe_file.with_name("train.jsonl")
    path.write_text(json.dumps(row) + "\n")
    recipe = decode_recipe(recipe_file.read_bytes(), "test", [f"label={label}"])
    if fits:
        prepare(recipe, "test", recipe_file.parent)
    else:
        with pytest.raises(InputError, match="row 1"):
            prepare(recipe, "test", recipe_file.parent)


def test_a_teacher_may_give_the_answers_that_rows_have_not(recipe_file: Path) -> None:
    recipe_file.with_name("train.jsonl").write_text('{"prompt": "a"}\n')
    changes = ["label=ft/distill:lora", "teacher.model=t"]
    prepare(decode_recipe(recipe_file.read_bytes(), "test", changes), "test", recipe_file.parent)


def test_each_stage_of_a_chain_is_checked_with_its_own_data(recipe_file: Path) -> None:
    (recipe_file.parent / "pairs.jsonl").write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n')
    stages = "stages=[{objective: sft}, {objective: dpo, data: {train: %s.jsonl}}]"
    for name in ("pairs", "train"):
        recipe = decode_recipe(recipe_file.read_bytes(), "test", ["label=ft/sft>dpo:lora", stages % name])
        if name == "pairs":
            assert prepare(recipe, "test", recipe_file.parent).stages[1].data is not None
        else:
            with pytest.raises(InputError, match="chosen"):
                prepare(recipe, "test", recipe_file.parent)


@pytest.mark.parametrize("key", ["name", "model.revision", "data.mapping"])
def test_a_token_in_a_recipe_is_refused_and_not_repeated(tuner: Tuner, recipe_file: Path, key: str) -> None:
    token = "hf_" + "Ab3" * 10
    value = f"{{prompt: {token}}}" if key == "data.mapping" else token
    done = tuner("run", str(recipe_file), "--set", f"{key}={value}")
    assert done.returncode == 2
    assert key in done.stderr
    assert token not in done.stderr
    assert not list_runs()


def test_a_run_whose_teacher_has_no_key_is_not_begun_and_a_key_in_its_place_is_not_repeated(
    tuner: Tuner, recipe_file: Path
) -> None:
    for named in ("NOT_SET_ANYWHERE", "mykey-canary-77"):
        sets = ["label=ft/distill:lora", "teacher.model=m", "teacher.endpoint=http://h/v1", f"teacher.key_env={named}"]
        done = tuner("run", str(recipe_file), *(word for each in sets for word in ("--set", each)))
        assert done.returncode == 2
        assert "[endpoint.key]" in done.stderr
        assert "canary" not in done.stderr
        assert not list_runs()
