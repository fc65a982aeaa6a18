"""How long advice takes: `python tests/bench/advice_speed.py CASES.jsonl`. Prints milliseconds of one core.

First = the first call in a process, with every memory estimate still to be made; later = the same facts again.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean

from advisor.engine import recommend
from advisor.facts import Facts, facts_from


def spent(facts: Facts, flips: bool) -> float:
    """Milliseconds of processor time of one recommendation."""
    begun = time.process_time()
    recommend(facts, flips=flips)
    return (time.process_time() - begun) * 1000


def first(path: str, at: int) -> float:
    """Milliseconds of the first recommendation in a fresh process, the least of three processes."""
    command = [sys.executable, __file__, path, str(at)]
    return min(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(3))


def main() -> None:
    """Print the table, or one first call for a case number."""
    cases = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    facts = [facts_from(case["facts"], case["id"]) for case in cases]
    if len(sys.argv) > 2:
        print(spent(facts[int(sys.argv[2])], flips=True))
        return
    cold = [first(sys.argv[1], at) for at in range(len(facts))]
    for flips in (True, False):
        for each in facts:
            spent(each, flips)
        later = [spent(each, flips) for each in facts]
        print(f"flips={flips}: later mean {mean(later):.1f} ms, most {max(later):.1f} ms")
    print(f"first with flips: mean {mean(cold):.1f} ms, most {max(cold):.1f} ms")


if __name__ == "__main__":
    main()
