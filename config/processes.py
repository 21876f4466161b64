"""Child processes that live and die together: the demo's web server and worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

START_TIMEOUT_SECONDS: Final = 60
STOP_SECONDS: Final = 20.0
HINT_SECONDS: Final = 3.0
POLL_SECONDS: Final = 0.2
MINUTE_SECONDS: Final = 60
RESTARTS_PER_MINUTE: Final = 3


class ProcessDied(RuntimeError):
    """A child ended although nobody asked it to."""


@dataclass(frozen=True)
class Child:
    """A process we started, in a session of its own, and the name people know it by."""

    name: str
    process: subprocess.Popen[bytes]
    # How long it may take to end what it has begun.
    stop_seconds: float
    command: Sequence[str]
    env: Mapping[str, str]

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], env: Mapping[str, str], stop_seconds: float
    ) -> Child:
        """Start a command in a session of its own."""
        process = subprocess.Popen(
            command, env={**os.environ, **env}, stdin=subprocess.DEVNULL, start_new_session=True
        )
        return cls(name, process, stop_seconds, command, env)

    def again(self) -> Child:
        """Start it anew after it died, and end what is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.start(self.name, self.command, self.env, self.stop_seconds)

    def check(self) -> None:
        """Raise `ProcessDied` when it has ended."""
        if self.process.poll() is not None:
            raise ProcessDied(f"The {self.name} ended with code {self.process.returncode}.")


@contextmanager
def running(
    commands: Mapping[str, Sequence[str]],
    env: Mapping[str, str],
    stop_seconds: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[list[Child]]:
    """Start every command; at the end stop all of them, in any case.

    Each gets a session of its own, so that Ctrl-C reaches us alone and we stop them in order: the
    main process by SIGTERM, which lets a worker drain, and after a grace (`stop_seconds` by name)
    or another Ctrl-C the whole group by SIGKILL.
    """
    children: list[Child] = []
    try:
        for name, command in commands.items():
            patience = stop_seconds.get(name, STOP_SECONDS)
            children.append(Child.start(name, command, env, patience))
        yield children
    finally:
        _stop(children)


def _stop(children: Sequence[Child]) -> None:
    """Stop all at once, and wait for each; what is left of a group goes in any case."""
    running = [child for child in reversed(children) if child.process.poll() is None]
    for child in running:
        child.process.terminate()
    try:
        for child in running:
            _await_end(child)
    except subprocess.TimeoutExpired as late:
        print(f"{late}; ending it.", file=sys.stderr)  # noqa: T201
    except KeyboardInterrupt:
        print("Ending everything at once.", file=sys.stderr)  # noqa: T201
    finally:
        # Also after a clean end: a dead main process may leave workers behind.
        for child in children:
            with suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait(STOP_SECONDS)


def _await_end(child: Child) -> None:
    try:
        child.process.wait(HINT_SECONDS)
    except subprocess.TimeoutExpired:
        told = f"Waiting until the {child.name} has ended what it runs; Ctrl-C ends it at once."
        print(told, file=sys.stderr)  # noqa: T201
        child.process.wait(child.stop_seconds)


def wait_until(
    ready: Callable[[], bool], children: Sequence[Child], timeout: float = START_TIMEOUT_SECONDS
) -> None:
    """Wait until `ready()`. Raises `ProcessDied`, or TimeoutError after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not ready():
        for child in children:
            child.check()
        if time.monotonic() > end:
            raise TimeoutError(f"Not ready after {timeout:.0f} s.")
        time.sleep(POLL_SECONDS)


def keep_alive(children: list[Child], say: Callable[[str], object]) -> None:
    """Watch until Ctrl-C; start a child again that died, and say so.

    Raises `ProcessDied` when that would be too often within a minute.
    """
    deaths: list[float] = []
    while True:
        for number, child in enumerate(children):
            try:
                child.check()
            except ProcessDied as death:
                now = time.monotonic()
                deaths = [*(then for then in deaths if now - then < MINUTE_SECONDS), now]
                if len(deaths) > RESTARTS_PER_MINUTE:
                    raise
                say(f"{death} It is started again.")
                children[number] = child.again()
        time.sleep(POLL_SECONDS)


def answers(url: str) -> bool:
    """Say whether this address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
            return bool(response.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False
