"""A child of ours belongs to no terminal: a session of its own, output into a file, deaf to SIGHUP from its birth."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from advisor.errors import InputError
from advisor.recipe import decode_recipe
from tuner_tui.runs.directory import RunDir

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


def spawn(run: RunDir, argv: Sequence[str], keep: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Start a process of the run, its output appended to the run's log; `keep` are descriptors that it inherits."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    output = os.open(run.log_path, flags, 0o600)
    try:
        with _deaf_to_hangup():
            return subprocess.Popen(
                list(argv),
                cwd=run.path,
                env={**child_environment(os.environ), **_keys(run)},
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


def _keys(run: RunDir) -> dict[str, str]:
    """The keys whose variables the run's recipe names, and no other service's."""
    try:
        recipe = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path))
    except (OSError, InputError):
        return {}  # the child says what is wrong with it
    named = {part.key_env for part in (recipe.teacher, recipe.judge) if part is not None and part.key_env}
    return {name: os.environ[name] for name in named if name in os.environ}


@contextmanager
def _deaf_to_hangup() -> Iterator[None]:
    """SIGHUP is blocked in this thread: a child inherits that through exec, before its first instruction."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
