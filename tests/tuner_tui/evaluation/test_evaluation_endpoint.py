"""A real local server that stalls, errs and lies: the client waits no longer than it must and keeps what it got."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import tuner_tui.words  # noqa: F401  errors speak its words
from advisor.errors import InputError
from tuner_tui.evaluation.endpoint import Endpoint, Rates
from tuner_tui.evaluation.measure import Measured
from tuner_tui.evaluation.remote import Asked, ask_many
from tuner_tui.evaluation.wire import asked_wait

ASKED = [{"role": "user", "content": "hi"}]


def stall(handler: "Handler") -> None:
    threading.Event().wait(5)


def drip(handler: "Handler") -> None:
    """A header that never ends, a byte at a time."""
    try:
        for _ in range(100):
            handler.wfile.write(b"H")
            handler.wfile.flush()
            threading.Event().wait(0.05)
    except OSError:
        return


def cut_off(handler: "Handler") -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"message": {"content": "half"}}]}')


def half_chunk(handler: "Handler") -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"ff\r\n{")


def huge(handler: "Handler") -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(1000):
            handler.wfile.write(b" " * 65536)
    except OSError:
        return


def busy(handler: "Handler") -> None:
    handler.send_response(429)
    handler.send_header("Retry-After", "7")
    handler.end_headers()


def shut(handler: "Handler") -> None:
    handler.send_response(503)
    handler.send_header("Retry-After", "86400")
    handler.end_headers()


def trickle(handler: "Handler") -> None:
    """A stream of events that never ends, a little at a time."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n')
            handler.wfile.flush()
            threading.Event().wait(0.05)
    except OSError:
        return


def elsewhere(handler: "Handler") -> None:
    handler.send_response(307)
    handler.send_header("Location", "/v1/elsewhere")
    handler.end_headers()


def denied(handler: "Handler") -> None:
    body = json.dumps({"error": {"message": f"no such model: very {handler.headers['Authorization'][7:]}"}}).encode()
    handler.send_response(400)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def told_back(handler: "Handler") -> None:
    said = handler.headers["Authorization"]
    body = json.dumps({"choices": [{"message": {"content": said}}], "model": said[7:]}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


RUDE = {
    "denied": denied,
    "told_back": told_back,
    "stall": stall,
    "drip": drip,
    "cut_off": cut_off,
    "half_chunk": half_chunk,
    "huge": huge,
    "busy": busy,
    "shut": shut,
    "elsewhere": elsewhere,
    "trickle": trickle,
}


class Server(ThreadingHTTPServer):
    """Answers by `plan`, and as `always` says where that is empty; `most` is how many were asked at once."""

    daemon_threads = True
    plan: list[str] = []
    seen: list[dict[str, object]] = []
    always = ""
    now = most = 0
    lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.seen.append(asked | {"authorization": self.headers.get("Authorization")})
            how = server.plan.pop(0) if server.plan else server.always
            server.now += 1
            server.most = max(server.most, server.now)
        if server.always:
            threading.Event().wait(0.05)
        try:
            self.say(how, asked)
        finally:
            with server.lock:
                server.now -= 1

    def say(self, how: str, asked: dict[str, Any]) -> None:
        if how in RUDE:
            RUDE[how](self)
            return
        body = {
            "good": json.dumps({"choices": [{"message": {"content": " 안녕 "}}], "usage": {"total_tokens": 7}}),
            "lie": '{"choices": []}',
            "html": "<!doctype html><title>502</title>",
            "list": "[1]",
            "fault": '{"error": {"message": "model not loaded"}}',
            "bare": '{"choices": [{"message": {"content": null}}]}',
            "mute": '{"choices": [{"message": {"content": null}, "finish_reason": "length"}]}',
            "parts": '{"choices": [{"message": {"content": [{"type": "text", "text": "in "}, {"text": "parts"}]}}]}',
            "echo": json.dumps(
                {
                    "choices": [{"message": {"content": asked["messages"][-1]["content"]}}],
                    "usage": {"prompt_tokens": 10, "completion_tokens": 2},
                }
            ),
            "free": json.dumps(
                {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 0, "completion_tokens": True}}
            ),
            "torn": '{"choices": [',
            "deep": "[" * 200_000,
            "other": json.dumps({"choices": [{"message": {"content": "x"}}], "model": "another"}),
            "greedy": json.dumps(
                {
                    "choices": [{"message": {"content": "x"}}],
                    "usage": {"prompt_tokens": 10**12, "completion_tokens": 10**12},
                }
            ),
            "negative": json.dumps(
                {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": -5, "completion_tokens": -5}}
            ),
            **{grade: json.dumps({"choices": [{"message": {"content": grade}}]}) for grade in "12345"},
        }.get(how, "")
        self.send_response(int(how) if len(how) == 3 and how.isdigit() else 200)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server(("127.0.0.1", 0), Handler)
    found.plan, found.seen = [], []
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


def endpoint(server: Server, **options: object) -> Endpoint:
    url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    return Endpoint(url, "m", **{"sleep": lambda _: None, **options})  # type: ignore[arg-type]


def test_errors_lies_and_torn_answers_are_asked_again(server: Server) -> None:
    server.plan = ["500", "lie", "torn", "good"]
    client = endpoint(server)
    assert client.answer(ASKED, max_tokens=4) == "안녕"
    assert client.sent == 4


@pytest.mark.parametrize(
    ("how", "said"), [("html", "<!doctype html>"), ("list", "[1]"), ("fault", "model not loaded"), ("bare", "no text")]
)
def test_what_is_no_answer_is_shown_when_it_stays_so(server: Server, how: str, said: str) -> None:
    server.plan = [how] * 4
    with pytest.raises(InputError) as error:
        endpoint(server).answer(ASKED, max_tokens=4)
    assert said in error.value.text("en")
    assert len(server.seen) == 4


def test_an_answer_in_parts_is_joined_and_one_without_a_word_is_empty(server: Server) -> None:
    server.plan = ["parts", "mute"]
    assert endpoint(server).answer(ASKED, max_tokens=4) == "in parts"
    assert endpoint(server).answer(ASKED, max_tokens=4) == ""


def test_a_stalled_server_costs_the_timeout_and_no_more(server: Server) -> None:
    server.plan = ["stall", "good"]
    start = time.monotonic()
    assert endpoint(server, timeout_s=0.5).answer(ASKED, max_tokens=4) == "안녕"
    assert time.monotonic() - start < 4
    server.plan = ["stall"] * 4
    with pytest.raises(InputError, match=r"no whole answer within 0\.1 s"):
        endpoint(server, timeout_s=0.1).answer(ASKED, max_tokens=4)


def test_a_refusal_is_not_asked_again_and_names_the_reason(server: Server) -> None:
    server.plan = ["401"]
    with pytest.raises(InputError) as error:
        endpoint(server).answer(ASKED, max_tokens=4)
    assert "HTTP 401" in error.value.text("en")
    assert len(server.seen) == 1


def test_what_a_server_says_of_its_refusal_is_told_and_a_key_that_it_says_back_is_not(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINE", "very-secret-1")
    server.plan = ["denied", "told_back", "500"]
    client = endpoint(server, key_env="MINE", cache=tmp_path / "kept.jsonl")
    with pytest.raises(InputError) as error:
        client.answer(ASKED, max_tokens=4)
    assert error.value.code == "endpoint.refused"
    assert "HTTP 400 no such model: very [redacted]" in error.value.text("en")
    found = client.answered(ASKED, max_tokens=4)
    assert (found.answer, found.model) == ("Bearer [redacted]", "[redacted]")
    assert "very-secret-1" not in (tmp_path / "kept.jsonl").read_text()


@pytest.mark.parametrize("url", ["http://me:secret-canary@host/v1", "https://host/v1?api_key=secret-canary"])
def test_an_address_that_holds_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match=r"endpoint\.secret") as refused:
        Endpoint(url, "m")
    assert "canary" not in refused.value.text("en")


def test_a_key_with_the_newline_of_its_file_is_sent_without_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "very-secret-2\n")
    server.plan = ["told_back"]
    assert endpoint(server, key_env="MINE").answer(ASKED, max_tokens=4) == "Bearer [redacted]"


def test_an_answer_is_asked_for_once_and_a_torn_cache_is_no_harm(server: Server, tmp_path: Path) -> None:
    cache = tmp_path / "answers.jsonl"
    server.plan = ["good"]
    endpoint(server, cache=cache).answer(ASKED, max_tokens=4)
    with cache.open("a") as file:
        file.write('{"key": "x", "ans')
    assert endpoint(server, cache=cache).answer(ASKED, max_tokens=4) == "안녕"
    assert len(server.seen) == 1


def test_a_limit_of_requests_holds_and_the_key_comes_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "k-1")
    server.plan = ["good", "good"]
    client = endpoint(server, limit=1, key_env="MY_KEY")
    client.answer(ASKED, max_tokens=4)
    assert server.seen[0]["authorization"] == "Bearer k-1"
    with pytest.raises(InputError) as error:
        client.answer([{"role": "user", "content": "more"}], max_tokens=4)
    assert "limit" in error.value.text("en")
    with pytest.raises(InputError):
        endpoint(server, key_env="NOT_SET_ANYWHERE")


@pytest.mark.parametrize("how", ["cut_off", "half_chunk", "huge", "deep", "drip", "trickle"])
def test_a_broken_answer_is_never_taken_for_one(server: Server, how: str) -> None:
    server.plan = [how, "good"]
    start = time.monotonic()
    assert endpoint(server, timeout_s=1.0).answer(ASKED, max_tokens=4) == "안녕"
    assert len(server.seen) == 2
    assert time.monotonic() - start < 4


def test_a_busy_server_is_given_the_time_it_asks_for_and_one_that_asks_for_a_day_is_not(server: Server) -> None:
    waits: list[float] = []
    server.plan = ["busy", "good", "shut"]
    client = endpoint(server, sleep=waits.append)
    assert client.answer(ASKED, max_tokens=4) == "안녕"
    assert waits == [7.0]
    with pytest.raises(InputError) as error:
        client.answer([{"role": "user", "content": "more"}], max_tokens=4)
    assert "HTTP 503" in error.value.text("en")
    assert waits == [7.0]


def test_retry_after_is_read_as_seconds_or_a_date_and_nonsense_is_none() -> None:
    assert asked_wait({"Retry-After": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40.0) == 60.0
    assert asked_wait({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 40.0) == 0.0
    assert [asked_wait({"Retry-After": text}, 0.0) for text in ("soon", "-3", "", "9" * 40)] == [None] * 4


def test_the_key_goes_to_no_other_address(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "k-1")
    server.plan = ["elsewhere", "good"]
    with pytest.raises(InputError) as error:
        endpoint(server, key_env="MY_KEY").answer(ASKED, max_tokens=4)
    assert "HTTP 307" in error.value.text("en")
    assert len(server.seen) == 1


@pytest.mark.parametrize("how", ["greedy", "negative", "good", "free"])
def test_what_it_says_of_its_use_is_believed_within_bounds_only(server: Server, how: str) -> None:
    server.plan = [how]
    found = endpoint(server).answered(ASKED, max_tokens=4)
    assert 0 < found.asked < 200
    assert found.answered == 4


def test_who_says_that_it_answered_is_kept(server: Server) -> None:
    server.plan = ["other"]
    found = endpoint(server).answered(ASKED, max_tokens=4)
    asked = Asked(measured=Measured(metric="exact_match", score=0, low=0, high=0, items=1, loss=None), answers=[found])  # type: ignore[arg-type]
    assert asked.others("m") == ["another"]
    assert asked.others("another") == asked.others("org/anot") == []


def many(count: int) -> list[list[dict[str, str]]]:
    return [[{"role": "user", "content": f"question {at}"}] for at in range(count)]


def test_a_few_are_asked_at_once_each_only_once_and_the_answers_keep_their_places(server: Server) -> None:
    server.always, heard = "echo", []
    asked = many(9) + many(3)
    found = ask_many(endpoint(server), asked, heard.append, 3, max_tokens=4)
    assert [each.answer for each in found] == [turns[0]["content"] for turns in asked]
    assert (server.most, len(server.seen)) == (3, 9)
    assert heard == list(range(1, 13))


@pytest.mark.parametrize("parallel", [1, 8])
def test_the_cap_is_never_passed_and_all_of_it_can_be_used_however_many_are_asked_at_once(
    server: Server, parallel: int
) -> None:
    server.always = "echo"
    most = Rates(asked=1.0, answered=1.0).cost(len(json.dumps(asked_for(many(1)[0]))), 4)
    client = endpoint(server, rates=Rates(asked=1.0, answered=1.0, cap=most + 5.1 * 12 / 1e6))
    done: list[int] = []
    with pytest.raises(InputError) as error:
        ask_many(client, many(40), done.append, parallel, max_tokens=4)
    assert error.value.code == "endpoint.cap"
    assert len(server.seen) == 6 == done[-1]
    assert client.spent == pytest.approx(6 * 12 / 1e6)


def asked_for(turns: list[dict[str, str]]) -> dict[str, object]:
    return {"model": "m", "messages": turns, "max_tokens": 4, "temperature": 0}


def test_the_first_refusal_ends_it_and_what_was_answered_is_kept(server: Server, tmp_path: Path) -> None:
    server.plan, server.always = ["echo", "echo", "401"], "echo"
    cache = tmp_path / "answers.jsonl"
    with pytest.raises(InputError):
        ask_many(endpoint(server, cache=cache), many(50), lambda done: None, 2, max_tokens=4)
    assert len(server.seen) < 8
    before = len(cache.read_text().splitlines())
    found = ask_many(endpoint(server, cache=cache), many(50), lambda done: None, 4, max_tokens=4)
    assert [each.answer for each in found] == [f"question {at}" for at in range(50)]
    assert len(cache.read_text().splitlines()) == 50 > before
