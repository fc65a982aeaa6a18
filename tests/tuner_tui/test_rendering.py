"""A hostile chat template costs its process and nothing else: no hang, no memory, no flood, and words instead."""

import resource
import time
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.rendering import LONGEST, Renderer, TemplateRefused

ASKED: list[Any] = [([{"role": "user", "content": "hi"}], True)]

HOSTILE = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "branching recursion": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "one endless operation": "{% set n = messages|length * 9 %}{{ (n ** (n ** n)) % 7 }}",
    "folded when compiled": "{{ 9 ** (9 ** 9) % 7 }}",
    "a gigabyte at once": "{{ messages[0].content * 2000000000 }}",
    "a padded number": "{{ '%02000000000d' % messages|length }}",
    "growth": "{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
    "many small pieces": "{% for a in range(99999) %}{% for b in range(99) %}x{% endfor %}{% endfor %}",
    "only for longer talks": "{% if messages|length > 2 %}{% for a in range(99999) %}{% for b in range(99999) %}"
    "{% endfor %}{% endfor %}{% endif %}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_template_bomb_is_ended_soon(name: str) -> None:
    long: Any = ([{"role": role, "content": "hi"} for role in ("user", "assistant", "user")], True)
    mine, theirs = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(TemplateRefused) as caught:
        Renderer(HOSTILE[name]).render([*ASKED, long])
    assert caught.value.limit in ("time", "memory", "length")
    assert time.process_time() - mine < 1.0
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - theirs.ru_utime < 6.0


@pytest.mark.parametrize(
    "template",
    [
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler.__init__.__globals__.os.system('touch pwned') }}",
        "{{ ''|attr('__class__') }}",
        "{{ '{0.__class__.__mro__}'.format(messages) }}",
        "{{ messages.append(1) }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
    ],
)
def test_a_template_reaches_nothing(template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    renderer = Renderer(template)
    text, why = renderer.render(ASKED)[0]
    assert text is None or "class" not in text
    assert text or why or text == ""
    assert not list(tmp_path.iterdir())
    renderer.close()


def test_a_sound_template_says_what_it_should_and_leaves_no_process() -> None:
    source = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}{{ eos_token }}"
    renderer = Renderer(source, end="</s>")
    many: list[Any] = [([{"role": "user", "content": f"nr {n} \ud800"}], True) for n in range(200)]
    assert [text for text, _ in renderer.render(many)] == [f"nr {n} \ud800</s>" for n in range(200)]
    child = renderer._child
    renderer.close()
    assert child.returncode is not None


def test_a_long_talk_is_no_bomb() -> None:
    turns = [{"role": "user", "content": "word " * (LONGEST // 5)}]
    renderer = Renderer("{% for m in messages %}{{ m.content }}{% endfor %}")
    assert renderer.render([(turns, True)])[0][0] == turns[0]["content"]
    renderer.close()


def test_the_inspector_and_training_refuse_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    from tuner_tui import paths
    from tuner_tui.cli import main

    folder = tmp_path / "model"
    shutil.copytree(paths.samples() / "model", folder)
    (folder / "chat_template.jinja").write_text(HOSTILE["loops"])
    data = paths.samples() / "data" / "style.train.jsonl"
    assert main(["inspect", str(data), "--model", str(folder), "--lang", "en"]) == 2
    assert "template.limit" in capsys.readouterr().err


def test_a_run_with_a_hostile_template_fails_with_words(tmp_path: Path) -> None:
    import shutil

    from advisor.errors import InputError
    from tuner_tui import paths
    from tuner_tui.evaluation.example import Example, for_model

    folder = tmp_path / "model"
    shutil.copytree(paths.samples() / "model", folder)
    (folder / "chat_template.jinja").write_text(HOSTILE["only for longer talks"])
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    turns = tuple({"role": role, "content": "hi"} for role in ("user", "assistant", "user"))
    with pytest.raises(InputError, match=r"template\.limit"):
        for_model(tokenizer, [Example(row=1, prompt=turns, completion="x")])
