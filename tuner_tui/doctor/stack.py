"""PyTorch and what trains with it, tried in a child process: the interface never imports them, and a crash is told."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from tuner_tui.doctor.check import Check, fail, good, warn
from tuner_tui.probe import Machine

LIMIT_S = 9.0
PARTS = ("torch", "training", "bitsandbytes")
Answers = dict[str, dict[str, Any]]


class Asked:
    """A child that tries the parts one after another; what it did not answer says how it ended."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + LIMIT_S
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "tuner_tui.doctor", *PARTS],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )

    def answers(self) -> Answers:
        """What was found by part; a part that was not answered has `error`: a signal, an exit code or `slow`."""
        child = self._child
        try:
            said, _ = child.communicate(timeout=max(0.1, self._ends - time.monotonic()))
            error = f"signal {-child.returncode}" if child.returncode < 0 else f"exit code {child.returncode}"
        except subprocess.TimeoutExpired:
            child.kill()
            said, error = child.communicate()[0], "slow"
        return {part: {"error": error} for part in PARTS} | _read(said)

    def close(self) -> None:
        """Leave no child behind."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()


def _read(said: str) -> Answers:
    found: Answers = {}
    for line in said.splitlines():
        try:
            answer = json.loads(line)
            found[str(answer["part"])] = answer
        except (ValueError, KeyError, TypeError):
            continue  # a library printed something of its own
    return found


def checks(answers: Answers, machine: Machine) -> Iterator[Check]:
    """What the children's answers and the driver's mean together."""
    first = torch(answers.get("torch", {}), machine)
    yield first
    if first.case not in ("missing", "broken", "slow"):
        yield training(answers.get("training", {}))
        yield bitsandbytes(answers.get("bitsandbytes", {}))


def torch(answer: dict[str, Any], machine: Machine) -> Check:
    """PyTorch works, and its CUDA fits driver and GPU."""
    if "error" in answer:
        return _broken("torch", answer["error"])
    version, built = answer.get("version", "?"), answer.get("cuda")
    gpus = [gpu for gpu in machine.gpus or () if gpu.visible]
    known = {"version": version, "built": built or "-", "cuda": machine.cuda or "?", "driver": machine.driver or "?"}
    if answer.get("hip"):
        return warn("torch", "rocm", version=version)
    if not built:
        return fail("torch", "cpu_build", **known) if gpus else good("torch", "cpu", version=version)
    if gpus and _major(built) > _major(machine.cuda) > 0:
        return fail("torch", "driver_old", **known)
    if not answer.get("available"):
        return (
            fail("torch", "no_answer", detail=answer.get("detail") or "?", **known)
            if gpus
            else good("torch", "cpu", **known)
        )
    old = [each["name"] for each in answer.get("devices", ()) if not _supported(each["capability"], answer["archs"])]
    if old:
        return fail("torch", "arch", gpu=", ".join(old), archs=", ".join(answer["archs"]), **known)
    if answer.get("worked") is not True:
        return fail("torch", "wrong", detail=answer.get("detail") or "?", **known)
    return good("torch", **known)


def bitsandbytes(answer: dict[str, Any]) -> Check:
    """4-bit weights work: QLoRA and the 8-bit optimizers need them, nothing else does."""
    if answer.get("error") == "slow":
        return _broken("bitsandbytes", "slow")
    if "error" in answer:
        return warn("bitsandbytes", "broken", detail=answer["error"])
    return good("bitsandbytes", version=answer.get("version", "?"), device=answer.get("device", "?"))


def training(answer: dict[str, Any]) -> Check:
    """TRL, PEFT and Transformers can be imported together."""
    if "error" in answer:
        return _broken("training", answer["error"])
    return good("training", versions=answer.get("versions", "?"))


def _broken(name: str, error: str) -> Check:
    if error == "slow":
        return warn(name, "slow", limit=f"{LIMIT_S:.0f}")
    return fail(name, "missing" if error.startswith("ModuleNotFoundError") else "broken", detail=error)


def _major(version: str | None) -> int:
    head = (version or "").partition(".")[0]
    return int(head) if head.isdecimal() else 0


def _supported(capability: list[int], archs: list[str]) -> bool:
    """Binaries run on the same major capability with the same or a later minor; PTX (`compute_`) on any later GPU.

    Source: CUDA C++ programming guide, "Application compatibility".
    """
    major, minor = capability
    for arch in archs:
        kind, _, number = arch.partition("_")
        digits = number.rstrip("af")
        if not digits.isdecimal():
            continue
        its_major, its_minor = divmod(int(digits), 10)
        later = (its_major, its_minor) <= (major, minor)
        if later and (kind == "compute" or (its_major == major and digits == number)):
            return True
        if digits != number and (its_major, its_minor) == (major, minor):
            return True
    return False
