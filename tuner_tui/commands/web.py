"""`tuner web`: the app in a browser, on this machine's loopback only, and only for pages that this server gave out."""

from __future__ import annotations

import argparse
import hmac
import importlib
import secrets
import shlex
import sys
from typing import Any

from advisor.errors import InputError
from tuner_tui.commands import ExitCode, say
from tuner_tui.words import language, words

HOST = "127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tuner web`."""
    parser.add_argument("--port", type=int, default=8000)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl+C. Over SSH: forward the port, then open the same address."""
    if not 1 <= args.port <= 65535:
        raise InputError("web.port", port=args.port)
    try:
        key = secrets.token_urlsafe(24)
        server = _server(args.port, key)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("textual_serve", "aiohttp", "aiohttp_jinja2"):
            raise
        raise InputError("web.missing") from None
    say(words().say("web.open", address=f"http://{HOST}:{args.port}/?key={key}"))
    try:
        server.serve()
    except OSError as error:
        raise InputError("web.taken", port=args.port, detail=error.strerror or str(error)) from None
    return ExitCode.DONE


def _server(port: int, key: str) -> Any:
    """A textual-serve server that answers only requests made to loopback by its own pages.

    Every user of the machine reaches its loopback, so the address carries a key, which becomes a cookie.
    Without the check of origin any page open in the browser could reach the app's web socket and type into it.
    """
    web: Any = importlib.import_module("aiohttp.web")
    serve: Any = importlib.import_module("textual_serve.server")
    allowed = {f"{HOST}:{port}", f"localhost:{port}"}

    @web.middleware  # type: ignore[untyped-decorator]
    async def own_pages_only(request: Any, handler: Any) -> Any:
        if not trusted(request.headers.get("Host"), request.headers.get("Origin"), allowed):
            raise web.HTTPForbidden
        if hmac.compare_digest(request.query.get("key", "").encode(), key.encode()):
            reply = web.HTTPFound("/")
            reply.set_cookie(f"tuner-{port}", key, httponly=True, samesite="Strict")
            raise reply
        if not hmac.compare_digest(request.cookies.get(f"tuner-{port}", "").encode(), key.encode()):
            raise web.HTTPForbidden
        return await handler(request)

    class Loopback(serve.Server):  # type: ignore[misc]
        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(own_pages_only)
            return app

    command = shlex.join([sys.executable, "-m", "tuner_tui", "--lang", language()])
    return Loopback(command, host=HOST, port=port, title="tuner")


def trusted(host: str | None, origin: str | None, allowed: set[str]) -> bool:
    """Whether a request was made to us by our own page: the host is ours, and so is the origin where one is named."""
    return host in allowed and (origin is None or origin.removeprefix("http://") in allowed)
