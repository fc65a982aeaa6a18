"""A Modelfile whose template renders exactly what the model was trained on, and stops where it learned to stop."""

from __future__ import annotations

import json
import shutil

from tuner_tui.export.chat_pieces import ChatPieces, take_apart
from tuner_tui.export.gguf import FILE, convert, find_converter
from tuner_tui.export.merged import merge
from tuner_tui.export.outcome import Check, Outcome, Refused, Task
from tuner_tui.export.parity import tokenizer_of
from tuner_tui.export.proof import base_changed


def export(task: Task) -> Outcome:
    """Write `ollama/Modelfile` beside a GGUF where there is a converter, else beside merged weights."""
    weights, checks, why = _weights(task)
    tokenizer = tokenizer_of(task.source.weights())
    pieces = take_apart(tokenizer)
    checks.append(task.check("template", pieces is not None, value=None if pieces is None else pieces.stops))
    task.place.write("ollama/Modelfile", modelfile(weights, pieces, tokenizer.bos_token, tokenizer.eos_token))
    notes = [task.say("note.ollama", command=f"ollama create {task.source.name.lower()} -f Modelfile")]
    return Outcome(checks=checks, notes=[*notes, task.say("note.ollama_untried"), *why, *base_changed(task)])


def _weights(task: Task) -> tuple[str, list[Check], list[str]]:
    """What the Modelfile starts from, the checks of it, and why it is no GGUF where it is none."""
    folder = task.place.path / "ollama"
    merged = folder / "merged"
    checks = merge(task, merged)
    try:
        checks += convert(task, find_converter(), merged, folder)
    except Refused as refused:
        (folder / FILE).unlink(missing_ok=True)
        return "./merged", checks, [task.words.say(f"errors.{refused.code}", **refused.params)]
    shutil.rmtree(merged)
    return f"./{FILE}", checks, []


def modelfile(weights: str, pieces: ChatPieces | None, bos: str | None, eos: str | None) -> str:
    """The Modelfile. Without pieces (no template, or one that cannot be taken apart) the prompt goes in as it is."""
    template = "{{ .Prompt }}" if pieces is None else go_template(pieces, bos)
    stops = [eos] if pieces is None else pieces.stops
    lines = [f"FROM {weights}", f'TEMPLATE """{template}"""']
    lines += [f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}" for stop in stops if stop]
    return "\n".join([*lines, "PARAMETER temperature 0", ""])


def go_template(pieces: ChatPieces, bos: str | None) -> str:
    """The pieces in Go's template language. The runtime adds the beginning-of-text token itself, so it is left out."""
    turns = "".join(
        f'{{{{ {"if" if first else "else if"} eq .Role "{role}" }}}}{_text(before)}{{{{ .Content }}}}{_text(after)}'
        for first, (role, (before, after)) in zip([True, False, False], pieces.around.items(), strict=False)
    )
    always, alone = _no_bos(pieces.start, bos), _no_bos(pieces.start_without_system, bos)
    start = (
        _text(alone)
        if always == alone
        else f"{{{{ if .System }}}}{_text(always)}{{{{ else }}}}{_text(alone)}{{{{ end }}}}"
    )
    return f"{start}{{{{ range .Messages }}}}{turns}{{{{ end }}}}{{{{ end }}}}{_text(pieces.answer)}"


def _no_bos(text: str, bos: str | None) -> str:
    return text.removeprefix(bos) if bos else text


def _text(text: str) -> str:
    """Fixed text as a quoted Go string, so that neither its spaces nor its braces mean anything to the template."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if text else ""
