"""A real MLflow server on this machine, and a proxy before it that does what networks do."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from clism_ray.store import viewer_command
from clism_ray.train.tracking_record import default_uri
from tests.listening import free_port

SILENCE_S = 1  # that clients bear in these tests


class Server:
    """A server, started by the README's command; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        shown = viewer_command(default_uri(self.folder))
        command = shlex.split(shown.replace("--port 5000", f"--port {self.port}"))
        kept = ("--artifacts-destination", str(self.folder), "--workers", "1")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command[1:], *kept],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},  # starts faster
            start_new_session=True,
        )
        while not self._healthy():
            assert self.process.poll() is None, "the server ended before it answered"
            time.sleep(0.2)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                return True
        except OSError:
            return False


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server on this machine alone."""
    server = Server(folder)
    server.start()
    yield server
    server.kill()


class Proxy:
    """Passes requests on, and spoils four in ten of those that write, while `fault` says how.

    "refuse": 500, and the server never hears of it; "drop": the server takes the request, and the
    answer is lost; "fail": the same, and the answer is 500; "slow": the same, and the answer comes
    when nobody waits for it any more.
    """

    def __init__(self, server: str) -> None:
        self.server = server
        self.fault: str | None = None
        self.spoilt = 0  # requests
        self.points: list[tuple[str, str]] = []  # metric and step, as often as the server got it
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self._random = random.Random(13)

    @contextmanager
    def up(self) -> Iterator[None]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                proxy.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = handle_any

            def log_message(self, *told: object) -> None:
                """Nothing."""

        listening = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            listening.shutdown()
            listening.server_close()
            thread.join()

    def handle(self, asked: BaseHTTPRequestHandler) -> None:
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        writes = asked.command != "GET" and not asked.path.endswith("/search")
        fault = self.fault if writes and self._random.random() < 0.4 else None
        self.spoilt += fault is not None
        status, answer = (500, b"{}") if fault == "refuse" else self._forward(asked, body)
        if fault == "drop":
            return  # and the connection ends without an answer
        if fault == "slow":
            time.sleep(SILENCE_S + 0.5)
        with suppress(OSError):  # nobody waits for it
            asked.send_response(500 if fault == "fail" else status)
            asked.send_header("Content-Length", str(len(answer)))
            asked.end_headers()
            asked.wfile.write(answer)

    def _forward(self, asked: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        if asked.path.endswith("/log-batch"):
            metrics = json.loads(body).get("metrics", [])
            self.points += [(metric["key"], str(metric["step"])) for metric in metrics]
        request = urllib.request.Request(
            self.server + asked.path,
            data=body or None,
            method=asked.command,
            headers={"Content-Type": asked.headers.get("Content-Type", "application/json")},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
