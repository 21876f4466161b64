"""Eight kept connections that ask as fast as they are answered.

`wrk` does it where it is installed. Without it a loop of our own does, which takes more of the
machine from the server, from every view alike.
"""

from __future__ import annotations

import itertools
import os
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

CONNECTIONS: Final = 8
HOST: Final = "127.0.0.1"
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
SCRIPT: Final = """
local paths, place = {}, 0
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
request = function()
  place = place % #paths + 1
  return wrk.format("GET", paths[place])
end
"""


class LoadFailed(RuntimeError):
    """The server answered with something other than 200, or not at all."""


def requests_per_second(port: int, paths: Sequence[str], seconds: float) -> float:
    """Ask for these paths in turn, over and over. Raises `LoadFailed` for any answer but 200."""
    if shutil.which("wrk"):
        return _by_wrk(port, paths, seconds)
    return _by_loop(port, paths, seconds)


def requests_per_second_anew(port: int, paths: Sequence[str], seconds: float) -> float:
    """Ask likewise, each time by a connection of its own: of servers that close theirs."""
    ends = time.monotonic() + seconds

    def ask(offset: int) -> int:
        turn = itertools.cycle([*paths[offset % len(paths) :], *paths[: offset % len(paths)]])
        answered = 0
        while time.monotonic() < ends:
            _ask_once(port, next(turn))
            answered += 1
        return answered

    with ThreadPoolExecutor(CONNECTIONS) as clients:
        return sum(clients.map(ask, range(0, 100 * CONNECTIONS, 100))) / seconds


def _ask_once(port: int, path: str) -> None:
    asked = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection((HOST, port), timeout=30) as one:
        one.sendall(asked)
        start = one.recv(262_144)
        while one.recv(262_144):
            pass
    if not start.startswith(b"HTTP/1.1 200 "):
        raise LoadFailed(start[:200].decode("latin-1"))


def _by_wrk(port: int, paths: Sequence[str], seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script, listed = Path(folder, "paths.lua"), Path(folder, "paths")
        script.write_text(SCRIPT)
        listed.write_text("\n".join(paths))
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script)]
        done = subprocess.run(
            ["wrk", *options, f"http://{HOST}:{port}/"],
            env={**os.environ, "BENCH_PATHS": str(listed)},
            check=True,
            capture_output=True,
            text=True,
        )
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise LoadFailed(done.stdout)
    return float(found[1])


def _by_loop(port: int, paths: Sequence[str], seconds: float) -> float:
    turn = itertools.cycle([request_bytes(path) for path in paths])
    connections = [_Connection(port) for _ in range(CONNECTIONS)]
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(next(turn))
        answered, started = 0, time.monotonic()
        while time.monotonic() - started < seconds:
            for key, _events in selector.select(timeout=1):
                if key.data.is_answered():
                    answered += 1
                    key.data.ask(next(turn))
        took = time.monotonic() - started
    for connection in connections:
        connection.socket.close()
    return answered / took


def request_bytes(path: str) -> bytes:
    """Return a GET request as it goes over the wire."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


class _Connection:
    """A kept connection that has at most one question under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._got, self._wanted = bytearray(), -1

    def ask(self, request: bytes) -> None:
        self._got, self._wanted = bytearray(), -1
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        """Read what has come; say whether the answer is complete."""
        read = self.socket.recv(262_144)
        if not read:
            raise LoadFailed("The server closed a connection.")
        self._got += read
        if self._wanted < 0:
            self._wanted = self._length()
        return 0 <= self._wanted <= len(self._got)

    def _length(self) -> int:
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return -1
        head = bytes(self._got[: end + 2])
        length = LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise LoadFailed(head.decode("latin-1"))
        return end + 4 + int(length[1])


def latencies(port: int, paths: Sequence[str], count: int) -> Iterator[float]:
    """Yield the seconds of `count` answers on one kept connection, one after the other."""
    connection = _Connection(port)
    turn = itertools.cycle([request_bytes(path) for path in paths])
    for _ in range(count):
        started = time.perf_counter()
        connection.ask(next(turn))
        while not connection.is_answered():
            pass
        yield time.perf_counter() - started
    connection.socket.close()
