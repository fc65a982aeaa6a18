"""A chat template is taken apart only when its parts give every rendering back; Go renders them to the same text."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tuner_tui.export.chat_pieces import take_apart
from tuner_tui.export.ollama import go_template, modelfile

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are \"helpful\" {{x}}.<|im_end|>\n' }}{% endif %}" + CHATML
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\n'"
    " + m['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
COUNTING = (
    "{% for m in messages %}[{{ loop.index }}]{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}>{% endif %}"
)
SHOUTING = "{% for m in messages %}{{ m['content'] | upper }}{% endfor %}{% if add_generation_prompt %}>{% endif %}"


class Tokenizer:
    """A tokenizer's template and end token; renders as transformers does."""

    def __init__(self, template: str, eos_token: str = "<|im_end|>") -> None:
        self.chat_template = template
        self.eos_token = eos_token

    def apply_chat_template(
        self, turns: list[dict[str, str]], tokenize: bool = False, add_generation_prompt: bool = True
    ) -> str:
        def refuse(message: str) -> None:
            raise TemplateError(message)

        room = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        room.globals["raise_exception"] = refuse
        return room.from_string(self.chat_template).render(
            messages=turns, add_generation_prompt=add_generation_prompt, bos_token="<s>", eos_token=self.eos_token
        )


TALKS: dict[str, list[dict[str, str]]] = {
    "short": [{"role": "user", "content": "안녕 {{ . }}"}],
    "system": [{"role": "system", "content": "be\nbrief"}, {"role": "user", "content": "q"}],
    "long": [
        {"role": "user", "content": "q1"},
        {"role": "assistant", "content": "a1"},
        {"role": "user", "content": "q2"},
    ],
}


@pytest.mark.parametrize("template", [CHATML, DEFAULT_SYSTEM], ids=["chatml", "default-system"])
@pytest.mark.parametrize("talk", TALKS)
def test_the_pieces_render_what_the_template_renders(template: str, talk: str) -> None:
    tokenizer = Tokenizer(template)
    pieces = take_apart(tokenizer)
    assert pieces is not None
    assert pieces.render(TALKS[talk]) == tokenizer.apply_chat_template(TALKS[talk])
    assert pieces.stops == ["<|im_end|>"]


def test_a_template_that_refuses_system_turns_has_no_piece_for_them() -> None:
    pieces = take_apart(Tokenizer(GEMMA, "<eos>"))
    assert pieces is not None
    assert pieces.around.keys() == {"user", "assistant"}
    assert pieces.stops == ["<end_of_turn>", "<eos>"]


@pytest.mark.parametrize("template", [COUNTING, SHOUTING, ""], ids=["counting", "shouting", "none"])
def test_a_template_that_does_more_is_not_taken(template: str) -> None:
    assert take_apart(Tokenizer(template)) is None


GO = """
package main

import (
	"encoding/json"
	"os"
	"text/template"
)

type Message struct{ Role, Content string }
type Values struct {
	System   string
	Messages []Message
}

func main() {
	var values Values
	if err := json.NewDecoder(os.Stdin).Decode(&values); err != nil {
		panic(err)
	}
	text, _ := os.ReadFile(os.Args[1])
	if err := template.Must(template.New("").Parse(string(text))).Execute(os.Stdout, values); err != nil {
		panic(err)
	}
}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go, whose template language Ollama speaks")
def test_go_renders_the_modelfiles_template_as_the_tokenizer_does(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text(GO)
    subprocess.run(["go", "build", "-o", "render", "main.go"], cwd=tmp_path, check=True)
    for template, bos in ((CHATML, None), (DEFAULT_SYSTEM, None), (GEMMA, "<s>")):
        tokenizer = Tokenizer(template)
        pieces = take_apart(tokenizer)
        assert pieces is not None
        (tmp_path / "template").write_text(go_template(pieces, bos), encoding="utf-8")
        for turns in TALKS.values():
            if turns[0]["role"] not in pieces.around:
                continue
            values: dict[str, Any] = {"Messages": turns, "System": turns[0]["content"] * (turns[0]["role"] == "system")}
            done = subprocess.run(
                [tmp_path / "render", tmp_path / "template"],
                input=json.dumps(values),
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout == tokenizer.apply_chat_template(turns).removeprefix(bos or "")


def test_the_modelfile_names_weights_template_and_stops() -> None:
    pieces = take_apart(Tokenizer(CHATML))
    text = modelfile("./merged", pieces, None, "<|im_end|>")
    assert text.startswith('FROM ./merged\nTEMPLATE """')
    assert 'PARAMETER stop "<|im_end|>"' in text
