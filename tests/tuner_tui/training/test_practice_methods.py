"""Every method, planned by our rules as a user would, trains the practice model and improves its own held-out score."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import methods


@pytest.mark.slow
@pytest.mark.parametrize("method", methods.METHODS)
def test_a_planned_method_improves_its_own_held_out_score(tmp_path: Path, method: str) -> None:
    code, found = methods.run(method, tmp_path)
    assert code == 0, found
    assert found["success"], found["checks"]
    before, after = found["before"], found["after"]
    if after["metric"] == "loss":
        assert after["score"] < before["score"]
    else:
        assert after["score"] > before["high"]
