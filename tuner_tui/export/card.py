"""A model card says only what the recipe and the report say: how it was made, what was measured, what is not known."""

from __future__ import annotations

from typing import Any

import yaml

from tuner_tui import __version__
from tuner_tui.export.advised import advised, front_licence, licences
from tuner_tui.export.outcome import Task


def card(task: Task, kind: str) -> str:
    """The README.md of an exported model; `kind` is `adapter` or `merged`."""
    parts = [front(task, kind), f"# {task.source.name}", task.say(f"card.{kind}", **_names(task))]
    parts += [f"## {task.say('card.use')}", usage(task, kind)]
    parts += [f"## {task.say('card.results')}", results(task)]
    parts += [f"## {task.say('card.why')}", advised(task)]
    parts += [f"## {task.say('card.recipe')}", f"```yaml\n{task.source.text.decode()}```"]
    parts += [f"## {task.say('card.limits')}", task.say("card.limits_text"), licences(task)]
    return "\n\n".join(parts) + "\n"


def front(task: Task, kind: str) -> str:
    """The metadata that hubs read."""
    recipe = task.source.recipe
    head: dict[str, Any] = {
        "base_model": recipe.model.id,
        **front_licence(task),
        "library_name": "peft" if kind == "adapter" else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["tuner", *map(str, (*recipe.parsed_label.objectives, recipe.parsed_label.technique))],
    }
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---"


def usage(task: Task, kind: str) -> str:
    """Code that loads it without tuner."""
    model = task.source.recipe.model
    lines = ["from transformers import AutoModelForCausalLM, AutoTokenizer"]
    if kind == "adapter":
        lines += [
            "from peft import PeftModel",
            "",
            f"base = AutoModelForCausalLM.from_pretrained({model.id!r}, revision={model.revision!r})",
            'model = PeftModel.from_pretrained(base, "adapter")  # this folder',
        ]
    else:
        lines += ["", f'model = AutoModelForCausalLM.from_pretrained("{kind}")  # this folder']
    lines += [
        f'tokenizer = AutoTokenizer.from_pretrained("{kind}")',
        'turns = [{"role": "user", "content": "..."}]',
        "ids = tokenizer.apply_chat_template(",
        '    turns, add_generation_prompt=True, return_tensors="pt", return_dict=True',
        ")",
        f"out = model.generate(**ids, max_new_tokens={task.source.recipe.evaluation.max_new_tokens}, do_sample=False)",
        'print(tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))',
    ]
    return "```python\n" + "\n".join(lines) + "\n```"


def results(task: Task) -> str:
    """The measured scores, before and after, with their intervals; or that none were measured."""
    report = task.source.run.report() if task.source.run else None
    if report is None:
        return task.say("card.no_results")
    rows = [task.say("card.table_head"), "|---|---|---|---|---|---|"]
    for when in ("before", "after"):
        score = report[when]
        loss = "" if score["loss"] is None else f"{score['loss']:.4f}"
        interval = f"{score['low']:.4f} … {score['high']:.4f}"
        name = task.say(f"card.{when}")
        rows.append(f"| {name} | {score['metric']} | {score['score']:.4f} | {interval} | {score['items']} | {loss} |")
    rows += ["", *(f"- {'✓' if check['passed'] else '✗'} {check['text']}" for check in report["checks"])]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    return "\n".join([*rows, "", task.say("card.versions", versions=versions)])


def _names(task: Task) -> dict[str, str]:
    recipe = task.source.recipe
    return {"base": recipe.model.id, "label": recipe.label, "version": __version__}
