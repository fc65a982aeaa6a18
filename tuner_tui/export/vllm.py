"""A folder to serve from: merged weights, commands for vLLM and transformers on loopback, and a client to ask with."""

from __future__ import annotations

import shlex

from tuner_tui.export.merged import merge
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.served import served_parity, unserved

PORT = 8000
HEAD = '#!/bin/sh\nset -e\ncd "$(dirname "$0")"\n'
ASK = '''"""Asks the served model one question: python ask.py "..." (needs: pip install openai)."""

import sys

from openai import OpenAI

client = OpenAI(base_url="http://127.0.0.1:{port}/v1", api_key="none")
said = client.chat.completions.create(
    model="./merged", messages=[{{"role": "user", "content": sys.argv[1]}}], temperature=0, max_tokens={tokens}
)
print(said.choices[0].message.content)
'''


def export(task: Task) -> Outcome:
    """Write `vllm/`: `merged/`, `serve-vllm.sh`, `serve-transformers.sh`, `ask.py`."""
    recipe, folder = task.source.recipe, task.place.path / "vllm" / "merged"
    checks, notes = merge(task, folder), unserved(task)
    if not notes and all(check.id != "compared" for check in checks):
        checks.append(served_parity(task, folder))
    # transformers knows the model by its folder alone, so vLLM is told to know it by that name as well.
    names, length = (
        f"{shlex.quote(task.source.name)} ./merged",
        max(recipe.train.max_length, recipe.evaluation.max_new_tokens * 2),
    )
    served = f"--host 127.0.0.1 --port {PORT}"
    scripts = {
        "serve-vllm.sh": f"exec vllm serve ./merged --served-model-name {names} --max-model-len {length} {served}\n",
        "serve-transformers.sh": f"exec transformers serve ./merged {served}\n",
    }
    for file, command in scripts.items():
        task.place.write(f"vllm/{file}", HEAD + command).chmod(0o755)
    ask = ASK.format(port=PORT, tokens=recipe.evaluation.max_new_tokens)
    task.place.write("vllm/ask.py", ask)
    return Outcome(checks=checks, notes=[task.say("note.vllm", command="sh vllm/serve-vllm.sh"), *notes])
