"""A hub on this machine, of one dataset or model: what the Hugging Face client asks for."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal

COMMIT = "c0ffee" * 6 + "c0de"


class _Handler(http.server.BaseHTTPRequestHandler):
    folder: ClassVar[Path]
    name: ClassVar[str]
    kind: ClassVar[str]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        above = "" if self.kind == "models" else f"/{self.kind}"
        api, files = f"/api/{self.kind}/{self.name}", f"{above}/{self.name}/resolve/{COMMIT}/"
        if path in (api, f"{api}/revision/{COMMIT}", f"{api}/revision/main"):
            siblings = [{"rfilename": file.name} for file in self.folder.iterdir()]
            self.answer({"id": self.name, "sha": COMMIT, "siblings": siblings})
        elif path.startswith(f"{api}/tree/{COMMIT}"):
            self.answer_tree(path.removeprefix(f"{api}/tree/{COMMIT}").strip("/"))
        elif path.startswith(files) and (self.folder / path.removeprefix(files)).is_file():
            self.answer_file((self.folder / path.removeprefix(files)).read_bytes())
        else:
            found = path.startswith((api, files))
            error = "EntryNotFound" if found else "RepoNotFound"
            self.send(404, b"", {"X-Error-Code": error})

    do_HEAD = do_GET

    def answer(self, value: Any) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def answer_tree(self, below: str) -> None:
        if not (self.folder / below).is_dir():
            self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        self.answer(
            [
                {
                    "type": "directory" if path.is_dir() else "file",
                    "path": path.relative_to(self.folder).as_posix(),
                    "size": path.stat().st_size,
                    "oid": path.name,
                }
                for path in sorted((self.folder / below).iterdir())
            ]
        )

    def answer_file(self, content: bytes) -> None:
        etag = hashlib.sha256(content).hexdigest()  # the client's cache holds a file of each
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        wanted = self.headers.get("Range")
        if wanted is None:
            self.send(200, content, headers)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = content[int(first) : int(last or len(content)) + 1]
        span = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
        self.send(206, part, {**headers, "Content-Range": span})

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def hub(folder: Path, name: str, kind: Literal["datasets", "models"] = "datasets") -> Iterator[str]:
    """The address of a hub whose only dataset or model is this folder, at one commit."""
    handler = type("Handler", (_Handler,), {"folder": folder, "name": name, "kind": kind})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
