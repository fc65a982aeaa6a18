"""Asking the model: a server that speaks OpenAI's protocol, else the weights on this machine."""

import argparse
import json
import os
import sys
import urllib.request
from typing import Any

from tuner_tui.export.pieces.ask_settings import (
    ADAPTER,
    HERE,
    INSTRUCTION,
    MAX_NEW_TOKENS,
    MODEL,
    REVISION,
    TRUST_REMOTE_CODE,
)
from tuner_tui.export.pieces.shots import examples_for
from tuner_tui.export.pieces.ungrounded import grounded


def turns_for(question: str) -> tuple[list[dict[str, str]], list[str]]:
    """The whole prompt, and the passages' sources."""
    text, sources = grounded(question)
    told = [{"role": "system", "content": INSTRUCTION}] if INSTRUCTION else []
    return [*told, *examples_for(question), {"role": "user", "content": text}], sources


def ask_server(url: str, model: str, turns: list[dict[str, str]]) -> str:
    """The answer of `url` (up to and with /v1); the key is read from OPENAI_API_KEY."""
    body = {"model": model, "messages": turns, "temperature": 0, "max_tokens": MAX_NEW_TOKENS}
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'none')}"}
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), head)
    with urllib.request.urlopen(request) as reply:
        return str(json.load(reply)["choices"][0]["message"]["content"]).strip()


def local_model() -> tuple[Any, Any]:
    """Model and tokenizer of this machine, the adapter on where there is one."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"revision": REVISION, "trust_remote_code": TRUST_REMOTE_CODE}
    tokenizer = AutoTokenizer.from_pretrained(HERE / ADAPTER if ADAPTER else MODEL, **({} if ADAPTER else options))
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype="auto", **options)
    if ADAPTER:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(HERE / ADAPTER))
    return model.eval(), tokenizer


def ask_local(model: Any, tokenizer: Any, turns: list[dict[str, str]]) -> str:
    """The greedy answer of the weights on this machine."""
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    else:
        text = "\n\n".join(turn["content"] for turn in turns) + "\n\n"
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=not tokenizer.chat_template).to(model.device)
    out = model.generate(**ids, max_new_tokens=MAX_NEW_TOKENS, do_sample=False)
    return str(tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)).strip()


def main() -> None:
    """Answer one question, or one JSON string a line from standard input."""
    parser = argparse.ArgumentParser(description="Answers questions with the exported prompt.")
    parser.add_argument("question", help="a question, or - for one JSON string a line from standard input")
    parser.add_argument("--url", help="server to ask, for example http://127.0.0.1:8000/v1")
    parser.add_argument("--model", default=MODEL, help="the model's name on that server")
    parser.add_argument("--show", action="store_true", help="print the prompt as JSON and ask nobody")
    args = parser.parse_args()
    questions = [json.loads(line) for line in sys.stdin] if args.question == "-" else [args.question]
    loaded = None if args.url or args.show else local_model()
    for question in questions:
        turns, sources = turns_for(question)
        if args.show:
            print(json.dumps(turns, ensure_ascii=False))
            continue
        answer = ask_server(args.url, args.model, turns) if loaded is None else ask_local(*loaded, turns)
        print(answer)
        if sources:
            print(f"  [{', '.join(sources)}]", file=sys.stderr)


if __name__ == "__main__":
    main()
