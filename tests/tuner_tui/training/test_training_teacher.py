"""A teacher's kept answer is taken again only for the same question, asked in the same way of the same teacher."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import little
import msgspec
import pytest

from advisor.recipe import Recipe
from tuner_tui.evaluation.example import Example
from tuner_tui.runs.directory import RunDir
from tuner_tui.training import distill
from tuner_tui.training.job import Job
from tuner_tui.words import words


def asked(world: Path, folder: Path, prompts: list[str], **teacher: Any) -> tuple[list[str], int]:
    """The answers, and how many of them had to be asked for."""
    made = little.recipe(world, "ft/distill:lora", "unlabeled", "loss")
    made["teacher"] = {"model": str(world / "model"), "max_tokens": 6} | teacher
    recipe = msgspec.convert(made, Recipe)
    job = Job(run=RunDir(folder), recipe=recipe, events=None, words=words("en"))  # type: ignore[arg-type]
    before = len(distill._read(folder / "teacher.jsonl"))
    blank = [Example(row=at, prompt=prompt, completion="") for at, prompt in enumerate(prompts)]
    assert recipe.teacher is not None
    said = distill._local(job, recipe.teacher, blank)
    return said, len(distill._read(folder / "teacher.jsonl")) - before


def test_the_same_questions_are_asked_once(world: Path, tmp_path: Path) -> None:
    first = asked(world, tmp_path, ["say apple", "say bread"])
    assert first[1] == 2
    assert asked(world, tmp_path, ["say bread", "say apple"]) == (first[0][::-1], 0)
    assert asked(world, tmp_path, ["say bread", "say bread", "say chair"])[1] == 1


@pytest.mark.parametrize("change", [{"max_tokens": 3}, {"system": "Be brief."}])
def test_another_way_of_asking_is_another_question(world: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    asked(world, tmp_path, ["say apple"])
    assert asked(world, tmp_path, ["say apple"], **change)[1] == 1


def test_other_weights_under_the_same_name_are_another_teacher(world: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    teacher = tmp_path / "teacher"
    little.make_model(teacher, ["say apple"])
    asked(world, tmp_path, ["say apple"], model=str(teacher))
    weights = teacher / "model.safetensors"
    save_file({name: each * 0.5 for name, each in load_file(weights).items()}, weights, metadata={"format": "pt"})
    assert asked(world, tmp_path, ["say apple"], model=str(teacher))[1] == 1


class Shouting(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint that shouts the last word of the question."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.heard.append(asked)  # type: ignore[attr-defined]
        said = asked["messages"][-1]["content"].split()[-1] + "!"
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": said}}], "model": "t"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Any]:
    found: Any = ThreadingHTTPServer(("127.0.0.1", 0), Shouting)
    found.heard = []
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.mark.slow
def test_an_endpoints_answers_are_learned_and_asked_for_once(world: Path, tmp_path: Path, server: Any) -> None:
    learn = {"train__max_steps": 60, "train__learning_rate": 0.02}
    made = little.recipe(world, "ft/distill:lora", "unlabeled", "loss", **learn)
    endpoint = f"http://127.0.0.1:{server.server_address[1]}/v1"
    made["teacher"] = {"model": "t", "endpoint": endpoint, "max_tokens": 8, "system": "Shout."}
    run = tmp_path / "run"
    assert little.start(run, made) == 0, little.events(run, "exit")
    assert little.report(run)["success"]
    prompts = len(little.WORDS) * len(little.VERBS)
    assert len(server.heard) == len((run / "teacher.jsonl").read_text("utf-8").splitlines()) == prompts
    assert all(each["messages"][0] == {"role": "system", "content": "Shout."} for each in server.heard)
    (run / "events.jsonl").unlink()
    assert little.start(run, made) == 0, little.events(run, "exit")
    assert len(server.heard) == prompts
