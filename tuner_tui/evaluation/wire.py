"""One request over HTTP has one deadline for everything, goes to one address only, and reads a bounded answer."""

from __future__ import annotations

import email.utils
import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

ANSWER_BYTES = 1 << 22
REASON_BYTES = 1 << 12


class TooLong(OSError):
    """The answer has more bytes than an answer can have, or the time is over."""


class Refused(OSError):
    """A status that is none of success, what came with it, and what the server says of it."""

    def __init__(self, status: int, headers: Any, said: str) -> None:
        self.status, self.headers, self.said = status, headers, said
        super().__init__(f"HTTP {status}")


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to an address that nobody named."""

    def redirect_request(self, *given: Any) -> None:
        """Never."""


class _Held:
    """The socket of a request, so that a watch can end it wherever it waits: connecting, headers or body."""

    def __init__(self) -> None:
        self.sock: socket.socket | None = None

    def connection(self, kind: type[http.client.HTTPConnection]) -> Any:
        """A connection class that gives its socket to this object."""
        held = self

        class Connection(kind):  # type: ignore[valid-type, misc]
            def connect(self) -> None:
                super().connect()
                held.sock = self.sock

        return Connection

    def end(self) -> None:
        """Whoever waits on the socket is told that it is closed."""
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> bytes:
    """The answer's bytes within `timeout_s` seconds in all.

    Refused for a status that is none of success, TooLong, else OSError or HTTPException for what breaks on the way.
    """
    held = _Held()

    class Plain(urllib.request.HTTPHandler):
        def http_open(self, asked: urllib.request.Request) -> Any:
            return self.do_open(held.connection(http.client.HTTPConnection), asked)

    class Secure(urllib.request.HTTPSHandler):
        def https_open(self, asked: urllib.request.Request) -> Any:
            return self.do_open(held.connection(http.client.HTTPSConnection), asked)

    opener = urllib.request.build_opener(_Stay, Plain, Secure)
    end = time.monotonic() + timeout_s
    watch = threading.Timer(timeout_s, held.end)
    watch.daemon = True
    watch.start()
    try:
        with opener.open(urllib.request.Request(url, body, dict(headers)), timeout=timeout_s) as reply:
            return _read(reply, end)
    except urllib.error.HTTPError as error:
        raise Refused(error.code, error.headers, _reason(error)) from None
    except (OSError, http.client.HTTPException):
        if time.monotonic() >= end:  # the watch closed the socket: what broke says nothing of why
            raise TooLong(f"no whole answer within {timeout_s:g} s") from None
        raise
    finally:
        watch.cancel()


def _read(reply: Any, end: float) -> bytes:
    said = reply.headers.get("Content-Length") or ""
    found = b""
    while part := reply.read1(65536):
        found += part
        if len(found) > ANSWER_BYTES or time.monotonic() > end:
            raise TooLong("the answer is too long or too slow")
    if said.isdigit() and len(found) < int(said):
        raise TooLong("the answer was cut off" if time.monotonic() < end else "the answer is too slow")
    return found


def _reason(error: urllib.error.HTTPError) -> str:
    """What the first bytes of a refusal say: the message of a JSON error, else the text itself."""
    try:
        raw = (error.read1(REASON_BYTES) if error.fp else b"").decode(errors="replace").strip()
    except (OSError, http.client.HTTPException, ValueError):
        return ""
    finally:
        error.close()
    try:
        told = json.loads(raw)
        while isinstance(told, dict):
            told = next((told[name] for name in ("error", "message", "detail") if told.get(name)), "")
    except ValueError:
        told = raw
    return told if isinstance(told, str) else ""


def asked_wait(headers: Any, now: float) -> float | None:
    """Seconds that `Retry-After` among the headers asks for (RFC 9110, 10.2.3); None: nothing usable."""
    said = ((headers or {}).get("Retry-After") or "").strip()
    if said.isascii() and said.isdigit():
        return float(said) if len(said) < 10 else None
    try:
        return max(email.utils.parsedate_to_datetime(said).timestamp() - now, 0.0)
    except (TypeError, ValueError, OverflowError):
        return None
