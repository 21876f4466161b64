"""A server that speaks VirusTotal's API v3 for `/api/v3/files/{hash}`, and says what it is told.

It answers over a real connection, so that the real client is what is tested.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PREFIX = "/api/v3/files/"
KEY = "invented-key-of-the-tests"

Answer = Callable[[BaseHTTPRequestHandler, str], None]


def _send(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json; charset=utf-8")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _error(status: int, code: str) -> Answer:
    told = {"error": {"code": code, "message": f"{code} as the tests say it"}}
    return lambda handler, _sha256: _send(handler, status, json.dumps(told).encode())


unknown = _error(404, "NotFoundError")
minute_is_over = _error(429, "QuotaExceededError")
too_many = _error(429, "TooManyRequestsError")
wrong_key = _error(401, "WrongCredentialsError")
forbidden = _error(403, "ForbiddenError")
broken = _error(500, "InternalError")
busy = _error(503, "TransientError")


def found(**stats: int) -> Answer:
    """A file that engines have looked at; without stats one that is still in their queue."""

    def answer(handler: BaseHTTPRequestHandler, sha256: str) -> None:
        attributes = {"sha256": sha256, "names": ["as somebody else named it"]}
        if stats:
            attributes["last_analysis_stats"] = {"type-unsupported": 4, "timeout": 1} | stats
        told = {"data": {"type": "file", "id": sha256, "attributes": attributes}}
        _send(handler, 200, json.dumps(told).encode())

    return answer


queued = found()
harmless = found(malicious=0, suspicious=0, undetected=70, harmless=2)
malware = found(malicious=12, suspicious=0, undetected=58)
doubted = found(malicious=2, suspicious=1, undetected=69)


def raw(status: int, body: bytes) -> Answer:
    """Any bytes at all."""
    return lambda handler, _sha256: _send(handler, status, body)


def huge(handler: BaseHTTPRequestHandler, _sha256: str) -> None:
    """A body without an end, as far as a reader is willing to read."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    try:
        handler.wfile.write(b'{"data": "')
        for _ in range(1_024):
            handler.wfile.write(b"x" * 65_536)
    except OSError:
        return


def hangs_up(handler: BaseHTTPRequestHandler, _sha256: str) -> None:
    """Close the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


class VirusTotalServer:
    """The server: `answers[hash]` is what it says, one after the other; the last one for good."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        self.default: Answer = unknown
        self.asked: list[str] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def says(self, sha256: str, *answers: Answer) -> None:
        self.answers[sha256] = list(answers)

    def slow(self, handler: BaseHTTPRequestHandler, sha256: str) -> None:
        """Answer only when the test is over."""
        self.released.wait(30)
        hangs_up(handler, sha256)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append((self.command, self.path, dict(self.headers), b""))
                if not self.path.startswith(PREFIX):
                    raw(404, b"no such address")(self, "")
                elif self.headers.get("X-Apikey") != KEY:
                    wrong_key(self, "")
                else:
                    server.answer(self, self.path.removeprefix(PREFIX))

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                server.requests.append((self.command, self.path, dict(self.headers), body))
                forbidden(self, "")

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler

    def answer(self, handler: BaseHTTPRequestHandler, sha256: str) -> None:
        self.asked.append(sha256)
        told = self.answers.get(sha256)
        if not told:
            self.default(handler, sha256)
        else:
            (told.pop(0) if len(told) > 1 else told[0])(handler, sha256)

    @contextmanager
    def running(self) -> Iterator[VirusTotalServer]:
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join(10)
