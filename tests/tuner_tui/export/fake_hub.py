"""A model hub on this machine's loopback, as far as the hub's own client asks one to make and fill a repository."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeHub(ThreadingHTTPServer):
    """`files` are what arrived, `created` the bodies of the requests to make a repository, `keys` who asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.files: dict[str, bytes] = {}
        self.objects: dict[str, bytes] = {}
        self.created: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, lines: list[dict[str, Any]]) -> None:
        """Small files come with the commit, large ones by the name of what was uploaded."""
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[value["path"]] = self.objects[value["oid"]]


class Asked(BaseHTTPRequestHandler):
    server: FakeHub

    def answer(self) -> None:
        body, path = self.sent(), self.path.partition("?")[0]
        if not path.startswith(("/put/", "/api/agent")):
            self.server.keys.add(self.headers.get("Authorization"))
        told = json.dumps(self.reply(path, body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def sent(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, path: str, body: bytes) -> dict[str, Any]:
        hub = self.server
        if path == "/api/repos/create":
            hub.created.append(json.loads(body))
            return {"url": f"{hub.url}/user/name", "name": "user/name", "id": "1"}
        if path.endswith("/preupload/main"):
            files = [(file["path"], file["path"].endswith("safetensors")) for file in json.loads(body)["files"]]
            modes = [{"path": name, "uploadMode": "lfs" if large else "regular"} for name, large in files]
            return {"files": [{**mode, "shouldIgnore": False, "oid": None} for mode in modes]}
        if path.endswith("/info/lfs/objects/batch"):
            wanted = [(each["oid"], each["size"]) for each in json.loads(body)["objects"]]
            told = [
                {"oid": oid, "size": size, "actions": {"upload": {"href": f"{hub.url}/put/{oid}", "header": {}}}}
                for oid, size in wanted
            ]
            return {"transfer": "basic", "objects": told}
        if path.startswith("/put/"):
            hub.objects[path.removeprefix("/put/")] = body
        if path.endswith("/commit/main"):
            hub.commit([json.loads(line) for line in body.splitlines() if line])
            return {"commitUrl": f"{hub.url}/user/name/commit/abc", "commitOid": "a" * 40, "success": True}
        return {"errors": [], "warnings": []}

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
