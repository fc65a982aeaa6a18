"""`python -m tuner_tui.trace`: JSON lines of specs with their models' configs in, bytes by phase and depth out."""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> int:
    """Answer each line with one line; a spec that cannot be traced is answered with `error`, and the next is read."""
    for line in sys.stdin:
        if not line.strip():
            continue
        asked: dict[str, Any] = json.loads(line)
        try:
            answer: dict[str, Any] = {"layers": {str(n): _one(asked["spec"], n) for n in asked["layers"]}}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:400]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


def _one(raw: dict[str, Any], layers: int) -> dict[str, int]:
    import logging
    import warnings

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    from advisor.memory import spec_from
    from tuner_tui.trace.step import trace

    return trace(spec_from(raw, "trace"), raw["model"]["config"], layers)


if __name__ == "__main__":
    sys.exit(main())
