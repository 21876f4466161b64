"""A screen in memory for clients that draw one: press keys, wait for words.

Just enough of a terminal for programs that place every run of letters by row and column; colours,
modes and questions about the terminal are passed over.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROWS: Final = 40
COLUMNS: Final = 120
WAIT_SECONDS: Final = 60
DOWN: Final = "\x1b[B"
ENTER: Final = "\r"
ESCAPE: Final = "\x1b"
SPACE: Final = " "
# What ends with the letter that says what it does; strings up to their end; other escapes.
CONTROL: Final = re.compile(
    r"\x1b\[([0-9;:?<=>]*)[ -/]*([@-~])"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-OQ-WYZ\\`-~]",
    re.DOTALL,
)


class Screen:
    """What stands where after everything written so far."""

    def __init__(self) -> None:
        self._lines = [[" "] * COLUMNS for _ in range(ROWS)]
        self._row = self._column = 0
        self._rest = ""

    def __str__(self) -> str:
        return "\n".join("".join(line).rstrip() for line in self._lines)

    def write(self, text: str) -> None:
        """Draw this; a control sequence that is cut off waits for the next call."""
        text, self._rest = self._rest + text, ""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._put(text[at])
                at += 1
            elif match := CONTROL.match(text, at):
                self._obey(match[2], match[1])
                at = match.end()
            else:
                self._rest = text[at:]
                return

    def _put(self, letter: str) -> None:
        if letter >= " " and self._column < COLUMNS:
            self._lines[self._row][self._column] = letter
            self._column += 1

    def _obey(self, what: str | None, given: str) -> None:
        """Go where this says, if it says so; everything else is passed over."""
        if what != "H":
            return
        row, column = [int(number or 1) for number in f"{given};1".split(";")[:2]]
        self._row = min(max(row, 1), ROWS) - 1
        self._column = min(max(column, 1), COLUMNS) - 1


class Terminal:
    """A program at work on a screen."""

    def __init__(self, process: subprocess.Popen[bytes], line: int) -> None:
        self.process = process
        self.screen = Screen()
        self._line = line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def press(self, keys: str) -> None:
        """Type these keys."""
        os.write(self._line, keys.encode())

    def wait_for(self, *words: str, without: str | None = None) -> None:
        """Return as soon as all these words stand on the screen, and `without` does not.

        Raises AssertionError with the screen when that never comes or the program ends before.
        """
        end = time.monotonic() + WAIT_SECONDS
        while not self._shows(words, without):
            left = end - time.monotonic()
            assert left > 0, f"{words} never came:\n{self.screen}"
            assert self._read(left), f"It ended without {words}:\n{self.screen}"

    def finish(self) -> int:
        """Wait for its end; returns its exit code."""
        end = time.monotonic() + WAIT_SECONDS
        while self._read(max(end - time.monotonic(), 0)):
            assert time.monotonic() < end, f"It does not end:\n{self.screen}"
        return self.process.wait(WAIT_SECONDS)

    def _shows(self, words: Sequence[str], without: str | None) -> bool:
        shown = str(self.screen)
        return all(word in shown for word in words) and (without is None or without not in shown)

    def _read(self, seconds: float) -> bool:
        """Draw what comes within these seconds; False, nothing will come any more."""
        if not select.select([self._line], [], [], seconds)[0]:
            return True
        try:
            written = os.read(self._line, 65_536)
        except OSError:  # so Linux tells the end of the other side
            return False
        self.screen.write(self._decoder.decode(written))
        return bool(written)


@contextmanager
def drawn(command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Run this on a screen of its own; it is killed when the block ends before it does."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env) | {"TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    with process:
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)
