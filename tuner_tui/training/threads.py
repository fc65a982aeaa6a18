"""A run takes the cores that are idle, not all there are: two threads on a busy two-core machine were 5x slower."""

from __future__ import annotations

import os

LOOK_S = 0.5


def idle_threads(asked: int | None = None) -> int:
    """How many threads to compute with: as asked, else the cores found idle, at least one.

    A core counts as busy by what runs in LOOK_S or by the last minute's load, whichever is more: a neighbour that
    pauses for half a second is not gone, and taking its core costs far more (7x, measured) than leaving it.
    """
    if asked is not None:
        return asked
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = max(sum(psutil.cpu_percent(interval=LOOK_S, percpu=True)) / 100, psutil.getloadavg()[0])
    return max(1, min(cores, round(cores - busy)))


def use_threads(count: int) -> None:
    """Before torch is imported: its pools read these once. Waiting threads sleep, so that a neighbour can work."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(count)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
