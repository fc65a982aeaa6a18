"""An OpenAI-compatible endpoint is foreign: every wait has an end, every answer is checked, nothing is asked twice."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from tuner_tui.evaluation.example import Message

TIMEOUT_S = 60.0
TRIES = 4
WAIT_S = 1.0
ANSWER_BYTES = 1 << 22
AGAIN = (408, 409, 429, 500, 502, 503, 504)


class Endpoint:
    """Chat completions of one model; answers are kept in `cache` (JSON lines) and asked for only once.

    `limit` is how many requests may be sent at most (None = no limit). The key is read from the environment.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key_env: str | None = None,
        cache: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        limit: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError("endpoint.url", url=url)
        self._url = url.rstrip("/") + "/chat/completions"
        self._model, self._timeout_s, self._limit, self._sleep = model, timeout_s, limit, sleep
        self._key = os.environ.get(key_env) if key_env else None
        if key_env and not self._key:
            raise InputError("endpoint.key", name=key_env)
        self._cache = cache
        self._known = _read(cache)
        self.sent = 0
        self.tokens = 0

    def answer(self, turns: list[Message], *, max_tokens: int) -> str:
        """The model's greedy answer; InputError when the endpoint does not give one."""
        asked = {"model": self._model, "messages": turns, "max_tokens": max_tokens, "temperature": 0}
        key = hashlib.sha256((self._url + json.dumps(asked, sort_keys=True)).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = self._ask(asked)
            if self._cache is not None:
                with self._cache.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "answer": self._known[key]}, ensure_ascii=False) + "\n")
        return self._known[key]

    def _ask(self, asked: dict[str, Any]) -> str:
        failure = ""
        for attempt in range(TRIES):
            if self._limit is not None and self.sent >= self._limit:
                raise InputError("endpoint.limit", limit=self._limit, url=self._url)
            if attempt:
                self._sleep(WAIT_S * 2 ** (attempt - 1) * (1 + random.random() / 4))
            self.sent += 1
            try:
                return self._text(self._send(asked))
            except urllib.error.HTTPError as error:
                failure = f"HTTP {error.code}"
                if error.code not in AGAIN:
                    break
            except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
                failure = f"{type(error).__name__}: {error}"[:200]
        raise InputError("endpoint.failed", url=self._url, detail=failure)

    def _send(self, asked: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, json.dumps(asked).encode(), headers)
        end = time.monotonic() + self._timeout_s
        with urllib.request.urlopen(request, timeout=self._timeout_s) as reply:
            found = b""
            # One socket wait is bounded by the timeout; a server that drips bytes is bounded here.
            while part := reply.read1(65536):
                found += part
                if len(found) > ANSWER_BYTES or time.monotonic() > end:
                    raise OSError("the answer is too long or too slow")
        return json.loads(found)

    def _text(self, reply: Any) -> str:
        text = reply["choices"][0]["message"]["content"]
        if not isinstance(text, str):
            raise ValueError("no text in the answer")
        usage = reply.get("usage") or {}
        self.tokens += int(usage.get("total_tokens") or 0)
        return text.strip()


def _read(cache: Path | None) -> dict[str, str]:
    if cache is None or not cache.is_file():
        return {}
    known = {}
    for line in cache.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            known[str(row["key"])] = str(row["answer"])
        except (ValueError, KeyError, TypeError):
            continue  # a line torn by a crash: that answer is asked for again
    return known
