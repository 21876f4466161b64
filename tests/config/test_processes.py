"""Children that live and die together, however unwilling they are."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from config import processes
from config.processes import ProcessDied, keep_alive, running, wait_until

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
STUBBORN = [sys.executable, "-c", DEAF]


@pytest.fixture(autouse=True)
def _quick_hint(monkeypatch):
    monkeypatch.setattr(processes, "HINT_SECONDS", 0.1)


def until_stubborn(children) -> None:
    status = Path(f"/proc/{children[0].process.pid}/status")

    def ignores_sigterm() -> bool:
        [line] = [line for line in status.read_text().splitlines() if line.startswith("SigIgn")]
        return bool(int(line.split()[1], 16) & 1 << signal.SIGTERM - 1)

    wait_until(ignores_sigterm, children)


def test_who_does_not_stop_within_the_grace_is_killed(capfd):
    with running({"clock": STUBBORN}, {}, {"clock": 0.3}) as children:
        until_stubborn(children)
        began = time.monotonic()

    assert children[0].process.returncode == -signal.SIGKILL
    assert 0.3 < time.monotonic() - began < 10
    assert "Waiting until the clock has ended what it runs" in capfd.readouterr().err


def test_a_second_ctrl_c_kills_at_once(capfd):
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with running({"clock": STUBBORN}, {}, {"clock": 60}) as children:
            until_stubborn(children)
            signal.setitimer(signal.ITIMER_REAL, 0.5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert children[0].process.returncode == -signal.SIGKILL
    assert "Ending everything at once." in capfd.readouterr().err


def test_a_child_that_dies_is_started_again_and_the_other_goes_on():
    said: list[str] = []
    commands = {"web": ["sleep", "60"], "worker": ["sh", "-c", "exit 3"]}
    with running(commands, {}) as children:
        web = children[0].process

        with pytest.raises(ProcessDied, match="worker ended with code 3"):
            keep_alive(children, said.append)

        assert said == ["The worker ended with code 3. It is started again."] * 3
        assert children[0].process is web
        assert web.poll() is None
