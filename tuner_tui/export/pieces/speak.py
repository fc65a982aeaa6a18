"""How the model is spoken to."""

from typing import Any

from tuner_tui.export.pieces.split import Examples


def spoken_to(tokenizer: Any, examples: Examples) -> Examples:
    """The examples as this model is spoken to.

    With a chat template a plain prompt becomes a user turn, unless the prompts were rendered before (they carry
    the model's special tokens). Without a template a conversation becomes plain paragraphs.
    """
    if not any(example["prompt"] for example in examples):
        return examples
    marks = [token for token in tokenizer.all_special_tokens if len(token) > 2]
    first = examples[0]["prompt"]
    plain = not tokenizer.chat_template or (isinstance(first, str) and any(mark in first for mark in marks))
    speak = as_text if plain else as_turns
    return [{**example, "prompt": speak(example["prompt"])} for example in examples]


def as_turns(prompt: Any) -> Any:
    """The prompt as a conversation."""
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def as_text(prompt: Any) -> str:
    """The prompt as plain text that ends with white space."""
    if isinstance(prompt, str):
        return prompt if prompt[-1:].isspace() else prompt + "\n"
    return "\n\n".join(turn["content"] for turn in prompt) + "\n\n"
