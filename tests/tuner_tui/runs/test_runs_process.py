"""Runs are real processes: their states are true whatever happened to them, and stopping them is safe."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from advisor.errors import InputError
from advisor.recipe import DataSpec, Recipe, TeacherSpec
from tuner_tui.runs.coach import CoachedWriter
from tuner_tui.runs.directory import RunDir, create_run, find_run, list_runs
from tuner_tui.runs.events import EventKind, EventWriter, ExitReason
from tuner_tui.runs.identity import alive, identify, send
from tuner_tui.runs.queue import leave_queue, queue_up
from tuner_tui.runs.spawn import child_environment
from tuner_tui.runs.state import STALE_AFTER_S, RunState, state_of
from tuner_tui.runs.stop import Rung, StopLadder
from tuner_tui.runs.supervisor import launch, resume, wait
from tuner_tui.runs.watch import RunWatch, glance
from tuner_tui.words import words

Start = Callable[[str], RunDir]
Until = Callable[[Callable[[], object]], None]


def steps(run: RunDir) -> int:
    return glance(run).step


def kill(run: RunDir, number: signal.Signals = signal.SIGKILL) -> None:
    info = run.info()
    assert info is not None
    assert info.identity is not None
    assert send(info.identity, number)


def test_a_run_that_was_not_started_is_queued(recipe: Recipe) -> None:
    assert state_of(create_run(recipe)) is RunState.QUEUED


def test_a_run_folder_is_private_and_named_readably(recipe: Recipe) -> None:
    run = create_run(recipe)
    assert run.path.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in run.path.iterdir())
    assert "-practice-" in run.id
    assert create_run(recipe).id != run.id


def test_a_run_that_does_its_steps_is_finished(start: Start, until: Until) -> None:
    run = start("success")
    until(lambda: state_of(run).ended)
    assert state_of(run) is RunState.FINISHED
    assert steps(run) == 20


def test_the_child_has_its_own_session_and_writes_to_the_log_only(start: Start, until: Until) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    info = run.info()
    assert info is not None
    assert info.pid is not None
    assert os.getsid(info.pid) == info.pid
    assert b"standin" in run.log_path.read_bytes()
    assert run.log_path.stat().st_mode & 0o777 == 0o600


def test_a_killed_run_is_crashed_not_running(start: Start, until: Until) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    assert state_of(run) is RunState.RUNNING
    kill(run)
    until(lambda: state_of(run) is not RunState.RUNNING)
    assert state_of(run) is RunState.CRASHED


LAUNCHER = """
import os, sys
from pathlib import Path
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.supervisor import launch
RunDir.write_info = lambda *_: os.kill(os.getpid(), 9)
run = RunDir(Path(sys.argv[1]))
launch(run, command=[sys.executable, sys.argv[2], "endless", str(run.path)])
"""


def test_a_run_whose_launcher_was_killed_before_it_could_record_it_is_running(recipe: Recipe, until: Until) -> None:
    run = create_run(recipe)
    standin = Path(__file__).with_name("standin.py")
    done = subprocess.run([sys.executable, "-c", LAUNCHER, str(run.path), str(standin)])
    assert done.returncode == -signal.SIGKILL
    until(lambda: state_of(run) is RunState.RUNNING)
    info = run.info()
    assert info is not None
    assert info.attempt == 1
    with pytest.raises(InputError, match="running already"):
        launch(run, command=["false"])
    kill(run)
    until(lambda: state_of(run) is RunState.CRASHED)


def test_a_child_that_dies_before_its_first_word_is_crashed(start: Start, until: Until) -> None:
    run = start("dies_at_once")
    until(lambda: not state_of(run).live)
    assert state_of(run) is RunState.CRASHED


@pytest.mark.parametrize(
    "lie",
    [{"process_start": 1.0}, {"boot_id": "another-boot"}, {"process_start": None}, {"pid": 2**22 - 7}],
    ids=["pid reused", "rebooted", "start unknown", "pid gone"],
)
def test_a_process_that_is_not_ours_never_counts_as_the_run(start: Start, until: Until, lie: dict[str, object]) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    info = run.info()
    assert info is not None
    assert info.identity is not None
    run.write_info(msgspec.structs.replace(info, **lie))
    assert state_of(run) is RunState.CRASHED
    ladder = StopLadder(run, grace_s=(0, 0, 0))
    assert ladder.climb().rung is Rung.GONE
    assert alive(info.identity), "a process that is not the run must not be signalled"
    run.write_info(info)


def test_an_identity_is_dead_after_its_process(until: Until) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    who = identify(child.pid)
    assert who is not None
    assert alive(who)
    child.kill()
    until(lambda: not alive(who))  # a zombie already: nobody has waited for it
    child.communicate()
    assert not alive(who)
    assert not send(who, signal.SIGTERM)


LINGERS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
print("two", flush=True)
ctypes.CDLL(None).pthread_exit(0)
"""


def test_a_process_lives_as_long_as_its_last_thread(until: Until) -> None:
    """Its first thread is a zombie at once; memory and locks are held until the others have let go of them."""
    child = subprocess.Popen([sys.executable, "-c", LINGERS], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    until(lambda: b") Z" in Path(f"/proc/{child.pid}/stat").read_bytes())
    who = identify(child.pid)
    assert who is not None
    assert alive(who)
    child.kill()
    until(lambda: not alive(who))
    child.communicate()


def test_a_silent_process_is_stale_after_ten_minutes(start: Start, until: Until) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    kill(run, signal.SIGSTOP)
    now = run.events_path.stat().st_mtime
    assert state_of(run, now + STALE_AFTER_S - 30) is RunState.RUNNING
    assert state_of(run, now + STALE_AFTER_S + 30) is RunState.STALE


def test_an_exit_event_decides_even_when_no_process_is_known(recipe: Recipe) -> None:
    run = create_run(recipe)
    for reason, state in [("done", "finished"), ("stopped", "stopped"), ("oom", "failed"), ("diverged", "failed")]:
        run.events_path.unlink(missing_ok=True)
        with EventWriter(run.events_path) as events:
            events.emit(EventKind.START)
            events.emit(EventKind.EXIT, reason=reason, code=0)
            events.emit(EventKind.GPU, device="0")
        assert state_of(run) == state


def test_a_missing_or_broken_record_is_a_state_not_an_error(recipe: Recipe) -> None:
    run = create_run(recipe)
    for content in (b"", b"{", b"[]", b'{"id": 5}', b"\xff" * 100):
        run.info_path.write_bytes(content)
        assert state_of(run) is RunState.CRASHED
        assert run in list_runs()


def test_the_stop_file_stops_with_a_checkpoint(start: Start, until: Until) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    ladder = StopLadder(run)
    until(lambda: ladder.climb().rung is Rung.GONE)
    assert state_of(run) is RunState.STOPPED
    assert glance(run).checkpoints


def test_the_ladder_climbs_by_the_clock_from_file_to_term_to_kill(start: Start, until: Until) -> None:
    run = start("deaf")
    until(lambda: steps(run) > 0)
    now = [0.0]
    ladder = StopLadder(run, grace_s=(10, 5, 5), clock=lambda: now[0])
    assert ladder.climb().rung is Rung.ASKED
    assert ladder.climb().left_s == 10
    now[0] = 9.9
    assert ladder.climb().rung is Rung.ASKED
    now[0] = 10.1
    assert ladder.climb().rung is Rung.TERMINATED
    now[0] = 15.2
    assert ladder.climb().rung in (Rung.KILLED, Rung.GONE)
    until(lambda: ladder.climb().rung is Rung.GONE)
    assert state_of(run) is RunState.STOPPED
    assert glance(run).exit_code == -signal.SIGKILL


def test_a_child_that_our_sigterm_ends_without_a_word_is_stopped_not_crashed(start: Start, until: Until) -> None:
    run = start("ignores_file")
    until(lambda: steps(run) > 0)
    ladder = StopLadder(run, grace_s=(0, 60, 60))
    until(lambda: ladder.climb().rung is Rung.GONE)
    assert state_of(run) is RunState.STOPPED
    assert glance(run).exit_code == -signal.SIGTERM


def test_two_who_stop_at_once_do_no_harm(start: Start, until: Until) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    first, second = StopLadder(run), StopLadder(run)
    until(lambda: first.climb().rung is Rung.GONE and second.climb().rung is Rung.GONE)
    assert state_of(run) is RunState.STOPPED


def test_a_stopped_run_is_resumed_as_the_same_run(start: Start, until: Until) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    ladder = StopLadder(run)
    until(lambda: ladder.climb().rung is Rung.GONE)
    standin = Path(__file__).with_name("standin.py")
    resume(run, command=[sys.executable, str(standin), "endless", str(run.path), "--resume"])
    assert state_of(run) is RunState.RUNNING, "the exit of the first attempt is history"
    assert not run.stop_path.exists()
    info = run.info()
    assert info is not None
    assert info.attempt == 2
    with pytest.raises(InputError, match="running already"):
        resume(run)
    ladder = StopLadder(run)
    until(lambda: ladder.climb().rung is Rung.GONE)


@pytest.mark.parametrize("record", [None, b"{"], ids=["gone", "torn"])
def test_a_lost_record_costs_no_run(start: Start, until: Until, record: bytes | None) -> None:
    run = start("endless")
    until(lambda: steps(run) > 0)
    kill(run)
    until(lambda: state_of(run) is RunState.CRASHED)
    run.info_path.unlink()
    if record is not None:
        run.info_path.write_bytes(record)
    standin = Path(__file__).with_name("standin.py")
    with CoachedWriter(run.events_path, words("en")):
        assert state_of(run) is RunState.RUNNING, "its process lives, although nobody can name it"
        with pytest.raises(InputError, match="running already"):
            resume(run)
        ladder = StopLadder(run, grace_s=(0, 0, 0))
        assert ladder.climb().rung is Rung.ASKED
    assert ladder.climb().rung is Rung.GONE
    assert state_of(run) is RunState.CRASHED
    resume(run, command=[sys.executable, str(standin), "success", str(run.path), "--resume"])
    assert wait(run, 60) is RunState.FINISHED
    assert run.info() is not None


def test_a_finished_run_is_not_resumed(start: Start) -> None:
    run = start("success")
    assert wait(run, 60) is RunState.FINISHED
    with pytest.raises(InputError, match="finished"):
        resume(run)


def test_a_line_torn_by_a_crash_does_not_swallow_what_follows(recipe: Recipe) -> None:
    run = create_run(recipe)
    run.events_path.write_bytes(b'{"v":1,"t":"start","at":1}\n{"v":1,"t":"st')
    with EventWriter(run.events_path) as events:
        events.emit(EventKind.EXIT, reason=ExitReason.DONE, code=0)
    assert state_of(run) is RunState.FINISHED


def test_two_watchers_see_the_same(start: Start, until: Until) -> None:
    run = start("success")
    first, second = RunWatch(run), RunWatch(run)
    until(lambda: first.poll() is not None and first.view.exit_reason)
    until(lambda: second.poll(max_events=1) is not None and second.view.exit_reason)
    assert first.view == second.view
    assert first.view.step == 20


def test_runs_are_found_by_id_beginning_last_and_path(recipe: Recipe) -> None:
    first, second = create_run(recipe), create_run(recipe)
    assert find_run(first.id) == first
    assert find_run("last") == second
    assert find_run(str(first.path)) == first
    unique = next(first.id[:at] for at in range(1, 99) if first.id[:at] != second.id[:at])
    assert find_run(unique) == first
    for wrong, word in [("20", "begins more than one"), ("no-such", "No run"), ("/nowhere/x", "not a run folder")]:
        with pytest.raises(InputError, match=word):
            find_run(wrong)


def test_other_services_keys_stay_out_of_the_child() -> None:
    kept = child_environment({"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "HF_HOME": "/h", "OPENAI_API_KEY": "x"})
    assert kept["PATH"] == "/bin"
    assert kept["HF_HOME"] == "/h"
    assert not {"AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY"} & kept.keys()


def test_the_key_that_a_recipe_names_reaches_its_run_and_no_other_key_does(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    for name in ("CORP_LLM", "OTHER_LLM"):
        monkeypatch.setenv(name, "canary-5512")
    teacher = TeacherSpec(model="m", endpoint="http://127.0.0.1:9/v1", key_env="CORP_LLM")
    run = create_run(msgspec.structs.replace(recipe, label="ft/distill:lora", teacher=teacher))
    launch(run, command=[sys.executable, "-c", "import os; print(*sorted(os.environ))"])
    until(lambda: not state_of(run).live)
    given = run.log_path.read_text().split()
    assert "CORP_LLM" in given
    assert "OTHER_LLM" not in given


def test_no_token_is_written_to_the_run(recipe: Recipe, monkeypatch: pytest.MonkeyPatch, until: Until) -> None:
    monkeypatch.setenv("HF_TOKEN", "canary-7261")
    run = create_run(recipe)
    standin = Path(__file__).with_name("standin.py")
    launch(run, command=[sys.executable, str(standin), "success", str(run.path)])
    until(lambda: state_of(run).ended)
    written = [path for path in run.path.rglob("*") if path.is_file()]
    assert len(written) > 3
    assert all(b"canary-7261" not in path.read_bytes() for path in written)


def stopped(recipe: Recipe) -> RunDir:
    run = create_run(recipe)
    with EventWriter(run.events_path) as events:
        events.emit(EventKind.EXIT, reason=ExitReason.STOPPED, code=130)
    return run


def test_a_resume_names_what_was_changed_in_the_recipe(recipe: Recipe) -> None:
    run = stopped(recipe)
    text = run.recipe_path.read_text()
    run.recipe_path.write_text(text.replace("micro_batch: 8", "micro_batch: 4").replace("seed: 42", "seed: 7"))
    with pytest.raises(InputError) as refused:
        resume(run)
    assert "seed (42 -> 7), train.micro_batch (8 -> 4)" in refused.value.text("en")
    assert state_of(run) is RunState.STOPPED


def test_a_resume_names_the_data_that_was_changed(recipe: Recipe, tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("{}\n")
    run = stopped(msgspec.structs.replace(recipe, data=DataSpec(train=str(data))))
    data.write_text("{}\n{}\n")
    with pytest.raises(InputError, match=r"rows\.jsonl"):
        resume(run)
    data.unlink()
    with pytest.raises(InputError, match="no such file"):
        resume(run)


def test_a_hang_up_in_the_first_instant_of_a_run_changes_nothing(start: Callable[[str], RunDir]) -> None:
    run = start("success")
    info = run.info()
    assert info is not None
    assert info.identity is not None
    send(info.identity, signal.SIGHUP)
    assert wait(run, 60) is RunState.FINISHED


def test_a_waiting_process_is_deaf_to_a_hang_up_from_its_birth(recipe: Recipe) -> None:
    run = create_run(recipe)
    ticket = queue_up(run, need_bytes=1 << 60)
    assert ticket.waiter is not None
    send(ticket.waiter, signal.SIGHUP)
    status = Path(f"/proc/{ticket.waiter.pid}/status").read_text()
    blocked = next(line for line in status.splitlines() if "SigBlk" in line)
    assert int(blocked.split()[1], 16) & 1 << (signal.SIGHUP - 1)
    assert leave_queue(run)
