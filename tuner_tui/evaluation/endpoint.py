"""An OpenAI-compatible endpoint is foreign: every wait has an end, every answer is checked, nothing is asked twice."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from advisor.errors import InputError
from tuner_tui.evaluation.example import Message
from tuner_tui.evaluation.wire import Refused, asked_wait, post
from tuner_tui.redact import redact, without
from tuner_tui.runs.secrets import key_of
from tuner_tui.safe import clean

TIMEOUT_S = 60.0
TRIES = 4
WAIT_S = 1.0
WAIT_MOST_S = 120.0
"""A server that asks for more patience than this is as good as down: what was answered is kept for another time."""
AGAIN = (408, 409, 429, 500, 502, 503, 504)


BROKEN = (
    OSError,
    http.client.HTTPException,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    RecursionError,
)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars per million tokens asked and answered, and the most that may be spent (None = no cap)."""

    asked: float
    answered: float
    cap: float | None = None

    def cost(self, asked: int, answered: int) -> float:
        """Dollars for so many tokens."""
        return (asked * self.asked + answered * self.answered) / 1e6


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, how long it took, the tokens that it is charged for, and which model says that it answered."""

    key: str
    answer: str
    model: str = ""
    seconds: float = 0.0
    asked: int = 0
    answered: int = 0


class Endpoint:
    """Chat completions of one model; answers are kept in `cache` (JSON lines) and asked for only once.

    `limit` is how many requests may be sent at most (None = no limit). The key is read from the environment. With
    `rates`, a request that could pass the cap is not sent: a text has no more tokens than bytes, and what the endpoint
    says of its use is believed only within that bound; a request that failed counts in full.

    Several threads may ask at once: the cap and the limit hold for all of them, and no question is asked twice.
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
        rates: Rates | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise InputError("endpoint.url", url=redact(url))
        if "@" in urlsplit(url).netloc or redact(url) != url:
            raise InputError("endpoint.secret", url=f"{urlsplit(url).scheme}://…")
        self._url = url.rstrip("/") + "/chat/completions"
        self._model, self._timeout_s, self._limit = model, timeout_s, limit
        self._ended = threading.Event()
        self._sleep = sleep or self._ended.wait
        self._turn = threading.Condition()
        self._asking: set[str] = set()
        self._unsettled = 0
        self._key = key_of(key_env)
        self._keyless = without([self._key] if self._key else [])
        self._cache, self._rates = cache, rates
        self._known = _read(cache)
        self.sent = 0
        self.spent = 0.0

    def answer(self, turns: list[Message], *, max_tokens: int) -> str:
        """The model's greedy answer; InputError when the endpoint does not give one."""
        return self.answered(turns, max_tokens=max_tokens).answer

    def answered(self, turns: list[Message], *, max_tokens: int, schema: Any = None) -> Answer:
        """The same with its time and tokens, as they were when it was asked for. `schema`: a JSON Schema."""
        asked = {"model": self._model, "messages": turns, "max_tokens": max_tokens, "temperature": 0}
        if schema is not None:
            form = {"name": "answer", "schema": schema, "strict": True}
            asked["response_format"] = {"type": "json_schema", "json_schema": form}
        key = hashlib.sha256((self._url + json.dumps(asked, sort_keys=True)).encode()).hexdigest()
        with self._turn:
            while key in self._asking:
                self._turn.wait()
            if key in self._known:
                return self._known[key]
            self._asking.add(key)
        try:
            found = self._ask(key, asked)
            with self._turn:
                self._known[key] = found
                self._keep(found)
        finally:
            with self._turn:
                self._asking.discard(key)
                self._turn.notify_all()
        return found

    def end(self) -> None:
        """No request is tried again; those on their way may still answer."""
        self._ended.set()

    def _keep(self, found: Answer) -> None:
        if self._cache is not None:
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            with self._cache.open("ab") as file:
                file.write(msgspec.json.encode(found) + b"\n")

    def _ask(self, key: str, asked: dict[str, Any]) -> Answer:
        most = (len(json.dumps(asked, ensure_ascii=False).encode()), int(asked["max_tokens"]))
        failure, wait = "", WAIT_S
        for attempt in range(TRIES):
            if attempt:
                self._sleep(wait)
            if self._ended.is_set():
                break
            self._reserve(most)
            wait, used, start = WAIT_S * 2**attempt * (1 + random.random() / 4), most, time.monotonic()
            try:
                reply = self._send(asked)
                text = self._keyless(text_of(reply))
                used = _used(reply, most, text)
                took = round(time.monotonic() - start, 4)
                model = self._keyless(str(reply.get("model") or ""))[:200]
                return Answer(key=key, answer=text, model=model, seconds=took, asked=used[0], answered=used[1])
            except Refused as error:
                failure, told = self._refused(error), asked_wait(error.headers, time.time())
                if told is not None and told > WAIT_MOST_S:
                    failure = f"{failure} (Retry-After: {told:.0f} s)"
                    break
                wait = max(wait, told or 0.0)
            except BROKEN as error:
                failure = clean(self._keyless(f"{type(error).__name__}: {error}"), 200)
            finally:
                self._settle(most, used)
        raise InputError("endpoint.failed", url=self._url, detail=failure or "-")

    def _refused(self, error: Refused) -> str:
        """What was refused; InputError where asking again would change nothing."""
        said = clean(self._keyless(f"HTTP {error.status} {error.said}".strip()), 240)
        if error.status not in AGAIN:
            raise InputError("endpoint.refused", url=self._url, detail=said)
        return said

    def _reserve(self, most: tuple[int, int]) -> None:
        """Count the most that a request may cost, once there is room; InputError where there never will be."""
        with self._turn:
            while not self._has_room(most):
                self._turn.wait()
            self.sent += 1
            self._unsettled += 1
            self.spent += self._rates.cost(*most) if self._rates else 0.0

    def _has_room(self, most: tuple[int, int]) -> bool:
        if self._limit is not None and self.sent >= self._limit:
            raise InputError("endpoint.limit", limit=self._limit, url=self._url)
        rates = self._rates
        if rates is None or rates.cap is None or self.spent + rates.cost(*most) <= rates.cap:
            return True
        if not self._unsettled:  # nothing is on its way that could cost less than was reserved for it
            raise InputError("endpoint.cap", url=self._url, cap=f"{rates.cap:g}", spent=f"{self.spent:.4f}")
        return False

    def _settle(self, most: tuple[int, int], used: tuple[int, int]) -> None:
        """Give back what a request did not cost."""
        with self._turn:
            self._unsettled -= 1
            self.spent -= self._rates.cost(most[0] - used[0], most[1] - used[1]) if self._rates else 0.0
            self._turn.notify_all()

    def _send(self, asked: dict[str, Any]) -> Any:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        raw = post(self._url, json.dumps(asked).encode(), headers, self._timeout_s)
        try:
            return json.loads(raw)
        except ValueError:
            raise ValueError(f"no JSON: {raw[:80].decode(errors='replace')}") from None


def text_of(reply: Any) -> str:
    """The text of the first choice: plain, in parts, a refusal, or nothing where the model ended without a word.

    ValueError, KeyError, IndexError or TypeError for what is no answer.
    """
    if not isinstance(reply, dict) or not reply.get("choices"):
        raise ValueError(f"no choices: {json.dumps(reply)[:120]}")
    choice = reply["choices"][0]
    message = choice["message"]
    said = message.get("content")
    if isinstance(said, list):
        said = "".join(str(part.get("text") or "") for part in said)
    if said is None and isinstance(choice.get("finish_reason"), str):
        said = message.get("refusal") or ""
    if not isinstance(said, str):
        raise ValueError("no text in the answer")
    return said.strip()


def _used(reply: Any, most: tuple[int, int], text: str) -> tuple[int, int]:
    """Tokens asked and answered as the endpoint counts them; the bound where it says nothing, or what cannot be."""
    usage = reply.get("usage")
    said = usage if isinstance(usage, dict) else {}
    asked, answered = said.get("prompt_tokens"), said.get("completion_tokens")
    if type(asked) is not int or type(answered) is not int or asked < 1 or answered < bool(text):
        return most
    return min(asked, most[0]), min(answered, most[1])


def _read(cache: Path | None) -> dict[str, Answer]:
    if cache is None or not cache.is_file():
        return {}
    known = {}
    for line in cache.read_bytes().splitlines():
        try:
            row = msgspec.json.decode(line, type=Answer)
            known[row.key] = row
        except msgspec.MsgspecError:
            continue  # a line torn by a crash: that answer is asked for again
    return known
