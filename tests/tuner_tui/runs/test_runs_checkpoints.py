"""A damaged checkpoint is never gone on from, and never costs a good one."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import InputError
from advisor.recipe import DataSpec, ModelSpec, Recipe, encode_recipe
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.training.checkpoint import PARTIAL, candidates, newest_valid, rotate, seal, starting_point
from tuner_tui.training.data import digest
from tuner_tui.training.job import Job
from tuner_tui.training.origin import origin
from tuner_tui.words import words

FILES = ("adapter_model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")
MADE: dict[str, object] = {"recipe_sha256": "r", "data_sha256": "d", "threads": 1}


class Told:
    """Takes the events of a job."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def emit(self, kind: Any, **fields: Any) -> None:
        self.codes.append(str(fields.get("code")))


@pytest.fixture
def run(recipe: Recipe) -> RunDir:
    made = create_run(recipe)
    made.checkpoints.mkdir()
    return made


def job_of(run: RunDir, recipe: Recipe, *, resume: bool = True) -> Job:
    return Job(run=run, recipe=recipe, events=Told(), words=words("en"), resume=resume)  # type: ignore[arg-type]


def save(run: RunDir, step: int, eval_loss: float | None = None) -> Path:
    folder = run.checkpoints / PARTIAL / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(f"{name} at {step} ".encode() * 50)
    return seal(run.checkpoints, step, eval_loss=eval_loss, **MADE)


def steps(run: RunDir) -> list[int]:
    return [int(path.name.rpartition("-")[2]) for path in candidates(run.checkpoints)]


def gone(path: Path) -> None:
    path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


DAMAGES = [(damage, name) for damage in (gone, emptied, cut, flipped) for name in (*FILES, "manifest.json")]


@pytest.mark.parametrize(("damage", "name"), DAMAGES)
def test_the_newest_whole_one_is_gone_on_from(run: RunDir, recipe: Recipe, damage: Any, name: str) -> None:
    good, bad = save(run, 10), save(run, 20)
    damage(bad / name)
    job = job_of(run, recipe)
    assert starting_point(job, MADE) == good
    assert job.events.codes == ["checkpoint_damaged"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("content", [(), ("model.safetensors",), ("checkpoint-is-incomplete.txt",)])
def test_a_folder_that_a_crash_left_is_passed_over(run: RunDir, recipe: Recipe, content: tuple[str, ...]) -> None:
    good = save(run, 10)
    folder = run.checkpoints / "checkpoint-99"
    folder.mkdir()
    for name in content:
        (folder / name).write_text("x")
    assert starting_point(job_of(run, recipe), MADE) == good


def test_what_is_no_folder_is_passed_over_and_goes_with_the_damaged_ones(
    run: RunDir, recipe: Recipe, tmp_path: Path
) -> None:
    good, elsewhere = save(run, 10), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").touch()
    (run.checkpoints / "checkpoint-20").write_text("x")
    (run.checkpoints / "checkpoint-30").symlink_to(elsewhere)
    (run.checkpoints / "checkpoint-40").symlink_to(tmp_path / "nowhere")
    (run.checkpoints / "damaged-20").write_text("of an earlier resume")
    assert starting_point(job_of(run, recipe), MADE) == good
    save(run, 20)
    rotate(run.checkpoints, 1)
    assert [path.name for path in run.checkpoints.iterdir() if path.name != PARTIAL] == ["checkpoint-20"]
    assert (elsewhere / "mine").exists()


def test_a_damaged_newer_one_does_not_cost_the_one_that_is_written_next(run: RunDir, recipe: Recipe) -> None:
    save(run, 10)
    flipped(save(run, 30) / "optimizer.pt")
    starting_point(job_of(run, recipe), MADE)
    save(run, 20)
    rotate(run.checkpoints, 1)
    assert steps(run) == [20]
    assert newest_valid(run.checkpoints)[0] is not None
    assert [path.name for path in run.checkpoints.iterdir() if path.name != PARTIAL] == ["checkpoint-20"]


def test_damage_while_it_runs_takes_no_place_of_a_good_one(run: RunDir) -> None:
    save(run, 10)
    gone(save(run, 20) / "scheduler.pt")
    gone(save(run, 30) / "manifest.json")
    rotate(run.checkpoints, 1)
    assert steps(run) == [10]


def test_the_best_and_the_newest_stay(run: RunDir) -> None:
    for step, loss in ((10, 0.5), (20, 0.9), (30, None), (40, 0.8)):
        save(run, step, loss)
        rotate(run.checkpoints, 2)
    assert steps(run) == [40, 30, 10]


def test_a_whole_one_is_not_replaced_and_a_damaged_one_is(run: RunDir) -> None:
    first = save(run, 10)
    inode = first.stat().st_ino
    assert save(run, 10).stat().st_ino == inode
    cut(first / "optimizer.pt")
    assert newest_valid(run.checkpoints)[0] is None
    save(run, 10)
    assert newest_valid(run.checkpoints)[0] == first


def test_without_a_whole_one_it_begins_again_and_says_so(run: RunDir, recipe: Recipe) -> None:
    emptied(save(run, 10) / "rng_state.pth")
    job = job_of(run, recipe)
    assert starting_point(job, MADE) is None
    assert job.events.codes == ["checkpoint_damaged", "begins_again"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("changed", ["train.jsonl", "eval.jsonl", "model/model.safetensors"])
def test_the_file_that_changed_is_named(run: RunDir, tmp_path: Path, changed: str) -> None:
    (tmp_path / "model").mkdir()
    for name in ("train.jsonl", "eval.jsonl", "model/model.safetensors"):
        (tmp_path / name).write_text("as it was")
    data = DataSpec(train=str(tmp_path / "train.jsonl"), eval=str(tmp_path / "eval.jsonl"))
    recipe = Recipe(label="ft/sft:lora", model=ModelSpec(id=str(tmp_path / "model")), data=data)
    run.recipe_path.write_text(encode_recipe(recipe))
    made = origin(job_of(run, recipe), digest(Path(data.train), Path(data.eval or "")))
    starting_point(job_of(run, recipe, resume=False), made)
    (tmp_path / changed).write_text("AS it was")
    again = origin(job_of(run, recipe), digest(Path(data.train), Path(data.eval or "")))
    with pytest.raises(InputError) as caught:
        starting_point(job_of(run, recipe), again)
    assert str(tmp_path / changed) in caught.value.text("en")
    shutil.rmtree(run.path)


@pytest.mark.parametrize("name", ["recipe_sha256", "data_sha256"])
@pytest.mark.parametrize("saved", [True, False])
def test_what_changed_is_refused_with_and_without_a_checkpoint(
    run: RunDir, recipe: Recipe, name: str, saved: bool
) -> None:
    starting_point(job_of(run, recipe, resume=False), MADE)
    if saved:
        save(run, 10)
    with pytest.raises(InputError) as caught:
        starting_point(job_of(run, recipe), {**MADE, name: "other"})
    assert caught.value.code == f"training.changed_{name.partition('_')[0]}"
    shutil.rmtree(run.path)
