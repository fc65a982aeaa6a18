"""The served model answers as its files do: the same prompts go over OpenAI's protocol and are compared by token."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from tuner_tui.export.merged import plain
from tuner_tui.export.outcome import Check, Task
from tuner_tui.export.parity import held_out, parity, tokenizer_of
from tuner_tui.export.proof import device
from tuner_tui.export.server import Server, free_port, missing_parts
from tuner_tui.export.transcript import Transcript, transcripts


def served_parity(task: Task, folder: Path) -> Check:
    """The check `served_parity` of a folder of whole weights; where it cannot be served here the check says why."""
    tokenizer, limit = tokenizer_of(folder), task.source.recipe.evaluation.max_new_tokens
    examples = held_out(task, tokenizer)
    reference = transcripts(plain(folder, device()), tokenizer, examples, max_new_tokens=limit)
    with Server(folder, name=task.source.name, port=free_port(), key=secrets.token_urlsafe(24)) as server:
        if not server.ready():
            return task.check("compared", False, why=task.say("why.no_server"))
        pairs = zip(examples, reference, strict=True)
        found = [answered(server, example, said, limit) for example, said in pairs]
    return parity(task, tokenizer, reference, found, name="served_parity", by_text=True)


def unserved(task: Task) -> list[str]:
    """A note when nothing here can serve, so that the served model was not compared."""
    missing = missing_parts()
    return [task.say("note.unserved", missing=", ".join(missing))] if missing else []


def answered(server: Server, example: Any, said: Transcript, limit: int) -> Transcript:
    """What the server answers to `said`'s prompt; another number of prompt tokens stands in place of the prompt."""
    body: dict[str, Any] = {"temperature": 0, "max_tokens": limit}
    if isinstance(example.prompt, str):
        reply = server.ask("/v1/completions", {**body, "prompt": said.prompt})
        text = reply["choices"][0]["text"]
    else:
        reply = server.ask("/v1/chat/completions", {**body, "messages": list(example.prompt)})
        text = reply["choices"][0]["message"]["content"]
    count = reply["usage"]["prompt_tokens"]
    return Transcript(
        prompt=said.prompt if count == len(said.prompt_ids) else f"({count} tokens)",
        prompt_ids=said.prompt_ids,
        ids=[],
        text=text.strip(),
        stopped=reply["choices"][0]["finish_reason"] == "stop",
    )
