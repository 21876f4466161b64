"""A way to the server on which answers get lost, or time passes."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.clients import runner

# What belongs to one connection and not to the message.
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class Way(ThreadingHTTPServer):
    """Hands each request on whole, and the answer back, unless it is one to lose.

    With `loses` it loses the first answer to a POST of each path, after the server has given it:
    the connection ends, as it does when a gateway gives up. `before` sees each path first.
    """

    daemon_threads = True

    def __init__(self, *, loses: bool, before: Callable[[str], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        # Where the server is; known once it runs, and it must know our address before.
        self.behind = ""
        self.before = before
        self._loses = loses
        self.lost: list[tuple[str, int]] = []
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Return where clients find it."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def loses(self, path: str, status: int) -> bool:
        """Say whether the answer to this POST is lost, and note it."""
        with self._lock:
            if not self._loses or any(path == earlier for earlier, _status in self.lost):
                return False
            self.lost.append((path, status))
            return True


@contextmanager
def way_to(
    folder: Path, *, loses: bool = False, before: Callable[[str], None] = lambda _path: None
) -> Iterator[Way]:
    """Run a server that is reached by such a way; its logs lie in `folder`."""
    with Way(loses=loses, before=before) as way:
        thread = threading.Thread(target=way.serve_forever)
        thread.start()
        try:
            with runner.serving(folder, {"SITE_URL": way.address}) as running:
                way.behind = running.address
                yield way
        finally:
            way.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Way

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: text for name, text in self.headers.items() if name.lower() not in _HOP}
        onward = http.client.HTTPConnection(urlsplit(self.server.behind).netloc, timeout=60)
        self.server.before(self.path)
        try:
            onward.request(self.command, self.path, body, headers)
            answer = onward.getresponse()
            content = answer.read()
        finally:
            onward.close()
        if self.command == "POST" and self.server.loses(self.path, answer.status):
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, text in answer.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    # The clients ask for more than these, but not where one publishes.
    do_GET = do_POST = _hand_on  # noqa: N815 - The names that the standard library looks for.

    def log_message(self, *_args: object) -> None:
        """Say nothing."""
