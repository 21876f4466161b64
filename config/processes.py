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


class ProcessDied(RuntimeError):
    """A child ended although nobody asked it to."""


@dataclass(frozen=True)
class Child:
    """A process we started, in a session of its own, and the name people know it by."""

    name: str
    process: subprocess.Popen[bytes]
    # How long it may take to end what it has begun.
    stop_seconds: float = STOP_SECONDS

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
            process = subprocess.Popen(
                command,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
            children.append(Child(name, process, stop_seconds.get(name, STOP_SECONDS)))
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


def answers(url: str) -> bool:
    """Say whether this address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
            return bool(response.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False
