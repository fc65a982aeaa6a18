"""Prompts with wanted answers."""

from typing import Any

from tuner_tui.export.pieces.rows import Unusable, answer_of, filled, turns_of


def examples_of(number: int, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Prompt and answer: messages, conversations, prompt/completion, instruction/output or question/answer."""
    if "messages" in row or "conversations" in row:
        turns = turns_of(row.get("messages", row.get("conversations")))
        wanted = [index for index, turn in enumerate(turns) if turn["role"] == "assistant" and index > 0]
        if not wanted:
            raise Unusable("no assistant turn")
        # Every assistant turn is learned, what came before it being the prompt.
        return [
            {"row": number, "prompt": turns[:index], "completion": filled(turns[index]["content"])} for index in wanted
        ]
    if "prompt" in row and ("completion" in row or "response" in row):
        prompt, answer = row["prompt"], row.get("completion", row.get("response"))
    elif "instruction" in row and ("output" in row or "response" in row):
        prompt, answer = instruction(row), row.get("output", row.get("response"))
    elif "question" in row and "answer" in row:
        prompt, answer = row["question"], row["answer"]
    elif "prompt" in row and "chosen" in row:
        prompt, answer = row["prompt"], number_as_text(row["chosen"])
    elif "prompt" in row and "answer" in row:
        prompt, answer = row["prompt"], number_as_text(row["answer"])
    else:
        raise Unusable("no prompt with an answer")
    asked = turns_of(prompt) if isinstance(prompt, list) else filled(prompt)
    return [{"row": number, "prompt": asked, "completion": answer_of(answer)}]


def instruction(row: dict[str, Any]) -> Any:
    """The instruction with its input, after the system turn where there is one."""
    parts = (row["instruction"], row.get("input") or "")
    if not all(isinstance(part, str) for part in parts):
        raise Unusable("text is missing")
    asked = "\n\n".join(part for part in parts if part)
    if not row.get("system"):
        return asked
    return [{"role": "system", "content": row["system"]}, {"role": "user", "content": asked}]


def number_as_text(value: Any) -> Any:
    """Numbers are answers too."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
