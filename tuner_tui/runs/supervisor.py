"""A run belongs to no terminal: its process has its own session, its own output file, and nobody waits on a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from advisor.errors import InputError
from advisor.recipe import decode_recipe
from tuner_tui.runs.changes import refuse_changes
from tuner_tui.runs.devices import free_locks
from tuner_tui.runs.directory import RunDir, RunInfo, locked, refuse_foreign
from tuner_tui.runs.identity import identify
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import StopLadder

# What a training process needs of our environment; everything else, other services' keys too, stays here.
_NAMES = frozenset({"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TZ", "LANG", "LANGUAGE", "TMPDIR", "VIRTUAL_ENV"})
_PREFIXES = (
    *("LC_", "LD_", "DYLD_", "XDG_", "SSL_", "REQUESTS_", "CURL_", "TUNER_", "PYTHON", "CONDA_"),
    *("HF_", "HUGGINGFACE_", "TRANSFORMERS_", "DATASETS_", "TRL_", "PEFT_", "BNB_", "BITSANDBYTES_", "TOKENIZERS_"),
    *("CUDA_", "CUBLAS_", "CUDNN_", "NVIDIA_", "NCCL_", "ROCR_", "HIP_", "HSA_", "TORCH", "PYTORCH_", "TRITON_"),
    *("WANDB_", "MLFLOW_", "TRACKIO_", "TENSORBOARD_"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "VECLIB_", "MALLOC_"),
)
_PROXIES = frozenset({"http_proxy", "https_proxy", "no_proxy", "all_proxy"})

_children: dict[Path, subprocess.Popen[bytes]] = {}


def launch(
    run: RunDir, *, resume: bool = False, command: Sequence[str] | None = None, keep: Sequence[int] | None = None
) -> RunInfo:
    """Start the run's process and record who it is; InputError when it already runs or cannot start.

    `command` stands in for the training child (its own arguments included); `keep` are the device locks that it
    inherits, by default all that are free; here they are closed.
    """
    refuse_foreign(run)
    with locked(run):
        info = run.info()
        if info is None:
            raise InputError("runs.no_record", path=str(run.info_path))
        if state_of(run).live:
            raise InputError("runs.already_running", run=run.id, pid=info.pid)
        run.stop_path.unlink(missing_ok=True)
        argv = list(command or child_command(run, resume=resume))
        events_from = run.events_path.stat().st_size if run.events_path.exists() else 0
        locks = free_locks() if keep is None else list(keep)
        try:
            child = _spawn(run, argv, locks)
        finally:
            for lock in locks:
                os.close(lock)
        _children[run.path] = child
        info = _record(info, child.pid, argv, events_from)
        run.write_info(info)
    return info


def resume(run: RunDir, *, command: Sequence[str] | None = None) -> RunInfo:
    """Go on with a run that was stopped, failed or crashed, from its last checkpoint; InputError otherwise.

    Also when its recipe or data were changed since.
    """
    state = state_of(run)
    if state is RunState.FINISHED:
        raise InputError("runs.nothing_to_resume", run=run.id)
    refuse_changes(run)
    return launch(run, resume=state is not RunState.QUEUED, command=command)


def child_command(run: RunDir, *, resume: bool = False) -> list[str]:
    """How the training child is called. `-P`: nothing beside the run's files can be imported by accident."""
    ending = ["--resume"] if resume else []
    return [sys.executable, "-P", *_spread(run), "-m", "tuner_tui.training", str(run.path), *ending]


def _spread(run: RunDir) -> list[str]:
    """torchrun's own arguments where the recipe asks for more than one process; nodes meet at `launch.main`."""
    asked = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)).launch
    if asked.world == 1:
        return []
    meet = ["--standalone"]
    if asked.nodes > 1:
        if asked.main is None:
            raise InputError("runs.launch_main", nodes=asked.nodes)
        meet = ["--nnodes", str(asked.nodes), "--rdzv-backend", "c10d", "--rdzv-endpoint", asked.main]
    return ["-m", "torch.distributed.run", *meet, "--nproc-per-node", str(asked.processes)]


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the child gets of our environment; nothing of it is ever written down."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _NAMES or name.startswith(_PREFIXES) or name.lower() in _PROXIES
    }
    package = Path(__file__).resolve().parents[2]
    if package.name not in ("site-packages", "dist-packages"):
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), kept.get("PYTHONPATH")]))
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1", "PYTHONFAULTHANDLER": "1"}


def exit_code(run: RunDir) -> int | None:
    """How the process ended, when it was ours: its exit code, or the negative signal number; None when not known."""
    child = _children.get(run.path)
    return child.poll() if child is not None else None


def request_stop(run: RunDir) -> StopLadder:
    """Ask the run to stop; climb the ladder that is returned until it says gone."""
    return StopLadder(run)


def wait(run: RunDir, timeout_s: float, poll_s: float = 0.1) -> RunState:
    """Wait until the run has ended, at most `timeout_s`; returns its state then."""
    until = time.monotonic() + timeout_s
    while (state := state_of(run)).live and time.monotonic() < until:
        time.sleep(poll_s)
    return state


def _spawn(run: RunDir, argv: list[str], keep: Sequence[int]) -> subprocess.Popen[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    output = os.open(run.log_path, flags, 0o600)
    try:
        return subprocess.Popen(
            argv,
            cwd=run.path,
            env=child_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=tuple(keep),
        )
    except OSError as error:
        raise InputError("runs.cannot_start", command=argv[0], detail=error.strerror or str(error)) from None
    finally:
        os.close(output)


def _record(info: RunInfo, pid: int, argv: list[str], events_from: int) -> RunInfo:
    who = identify(pid)
    return msgspec.structs.replace(
        info,
        pid=pid,
        process_start=who.start if who else -1.0,
        boot_id=who.boot_id if who else None,
        host=who.host if who else None,
        launched=time.time(),
        attempt=info.attempt + 1,
        events_from=events_from,
        command=argv,
    )
