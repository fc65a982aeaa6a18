"""transformers' own server behind a key: every user of a machine reaches its loopback, so each request must carry it.

The key comes by the environment, never by the arguments, which every user of the machine can read.
"""

from __future__ import annotations

import argparse
import hmac
import importlib
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

KEY = "TUNER_SERVE_KEY"
LOOPBACK = re.compile(rb"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?")
BODY_BYTES = 1 << 24

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def main(argv: list[str] | None = None) -> int:
    """`python -m tuner_tui.export.serving FOLDER --name NAME --host HOST --port PORT`, until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m tuner_tui.export.serving")
    parser.add_argument("folder")
    parser.add_argument("--name", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True, type=int)
    args = parser.parse_args(argv)
    key = os.environ.pop(KEY)
    serve: Any = importlib.import_module("transformers.cli.serve")

    class Guarded(serve.Serve):  # type: ignore[misc]
        def start_server(self) -> None:
            self.server.config.app = Gate(self.server.config.app, key=key, name=args.name, folder=args.folder)
            self.server.run()

    Guarded(force_model=args.folder, host=args.host, port=args.port, non_blocking=True)
    return 0


class Gate:
    """An ASGI application in front of the server's: refuses whoever lacks the key, and knows its one model by any name.

    The server itself wants to be asked for the model by the path of its folder, and lists no local ones.
    """

    def __init__(self, app: Any, *, key: str, name: str, folder: str) -> None:
        self._app = app
        self._key = key.encode()
        self._name = name
        self._folder = folder

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # nothing here speaks it, and it would pass unasked
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not self._ours(dict(scope["headers"])):
            await _reply(send, 403, {"error": {"message": "Only programs on this machine are answered."}})
        elif not self._knows(dict(scope["headers"]).get(b"authorization", b"")):
            error = {"message": "The API key is missing or wrong.", "type": "invalid_request_error"}
            await _reply(send, 401, {"error": {**error, "code": "invalid_api_key"}})
        elif scope["method"] == "GET" and scope["path"] == "/v1/models":
            model = {"id": self._name, "object": "model", "created": 0, "owned_by": "tuner"}
            await _reply(send, 200, {"object": "list", "data": [model]})
        else:
            asked = await self._about_our_model(receive) if scope["method"] == "POST" else receive
            if asked is None:
                await _reply(send, 413, {"error": {"message": f"More than {BODY_BYTES} bytes."}})
            else:
                await self._app(scope, asked, send)

    @staticmethod
    def _ours(headers: dict[bytes, bytes]) -> bool:
        """Whether a program asked by a name of this machine; a page in a browser names its origin or another host."""
        return bool(LOOPBACK.fullmatch(headers.get(b"host", b""))) and b"origin" not in headers

    def _knows(self, authorization: bytes) -> bool:
        return hmac.compare_digest(authorization, b"Bearer " + self._key)

    async def _about_our_model(self, receive: Receive) -> Receive | None:
        """The request's body with the model's name as the server knows it; anything but a JSON object as it is.

        None for a body that is longer than any question.
        """
        parts, length, more = [], 0, True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            length, more = length + len(parts[-1]), message.get("more_body", False)
            if length > BODY_BYTES:
                return None
        body = b"".join(parts)
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if isinstance(asked, dict):
            body = json.dumps({**asked, "model": self._folder}).encode()
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return waiting.pop() if waiting else await receive()

        return again


async def _reply(send: Send, status: int, content: dict[str, Any]) -> None:
    body = json.dumps(content).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    sys.exit(main())
