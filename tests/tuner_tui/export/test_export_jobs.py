"""Folders that train elsewhere: moved away, they still read the same rows; their own tools read the task files."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import export, recipe_of

PEERS = Path(os.environ.get("TUNER_PEERS", "/nowhere"))
SKY = PEERS / "sky" / "bin" / "python"


def exported(world: Path, folder: Path, target: str) -> Path:
    (folder / "r.json").write_text(json.dumps(recipe_of(world, "ft/sft:lora", "chats", 8, {})))
    code, said, words = export(folder / "r.json", target, folder / "out")
    assert code == 0, (said, words[-2000:])
    assert "script_rows" in {check["id"] for check in said["checks"]}
    return folder / "out" / target


@pytest.mark.slow
def test_a_bundle_moved_away_reads_the_same_rows(world: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(exported(world, tmp_path, "slurm"), moved)
    assert str(world) not in (moved / "train.py").read_text().replace(str(world / "model"), "")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-I", str(moved / "train.py"), "--check-data"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1])["train"] == 36
    job = (moved / "job.sbatch").read_text()
    assert subprocess.run(["bash", "-n", moved / "job.sbatch"]).returncode == 0
    assert "#SBATCH --gres=gpu:1" in job
    if shutil.which("scontrol") and subprocess.run(["scontrol", "ping"], capture_output=True).returncode == 0:
        judge = subprocess.run(["sbatch", "--test-only", "job.sbatch"], cwd=moved, capture_output=True, text=True)
        assert judge.returncode == 0, judge.stderr


@pytest.mark.slow
def test_skypilot_reads_the_task(world: Path, tmp_path: Path) -> None:
    folder = exported(world, tmp_path, "skypilot")
    if not SKY.exists():
        pytest.skip("TUNER_PEERS has no sky")
    code = "import sky, sys; task = sky.Task.from_yaml(sys.argv[1]); print(task.resources, task.run)"
    done = subprocess.run([SKY, "-c", code, "task.yaml"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "L4" in done.stdout
    assert "train.py" in done.stdout


@pytest.mark.slow
def test_hugging_face_jobs_takes_the_script(world: Path, tmp_path: Path) -> None:
    import tomllib

    folder = exported(world, tmp_path, "hf-jobs")
    text = (folder / "train.py").read_text()
    inside = text.partition("# /// script\n")[2].partition("# ///\n")[0]
    said = tomllib.loads("\n".join(line.removeprefix("#").strip() for line in inside.splitlines()))
    assert any(need.startswith("trl==") for need in said["dependencies"])
    assert subprocess.run(["sh", "-n", folder / "submit.sh"]).returncode == 0
