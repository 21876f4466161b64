"""`make demo`, whole: database, content, web server, worker; started, used and stopped twice."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("DATABASE_URL" in os.environ, reason="the demo would fill that database"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run `manage.py …` with a data directory, and so a database server, of its own."""
    yield from _manage(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def fresh(tmp_path):
    """The same for one test, with no database made yet."""
    yield from _manage(tmp_path)


def _manage(data_dir: Path):
    env = {
        **{name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"},
        "SKILLBOARD_DATA_DIR": str(data_dir),
        "SKILLBOARD_DEMO": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STATICFILES_BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    }

    def start(*arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**env, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    start.data = env["SKILLBOARD_DATA_DIR"]
    yield start
    start("devdb", "reset", "--yes").communicate(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_token_of_an_empty_database_says_what_to_do(fresh):
    told, _ = (run := fresh("create_token", "arthur")).communicate(timeout=120)

    assert run.returncode == 1
    assert "no tables yet" in told
    assert "Traceback" not in told


def test_the_smoke_run_starts_everything_fetches_pages_and_runs_a_task(fresh):
    # Fresh: where a demo ran before, its summaries are written.
    run = fresh("demo", "--smoke", "--port", str(free_port()))
    told, _ = run.communicate(timeout=240)

    assert run.returncode == 0, told
    assert "arthur" in told
    done = [line for line in told.splitlines() if line.startswith("ok  ")]
    assert done[0].startswith("ok  task sweep_blobs ran in the worker")
    # Two of the three sessions may be summarised; the third is for members only.
    assert done[1] == "ok  task summarize_due ran in the worker: 2 summaries written", told
    assert "The database is stopped." in told


def test_ctrl_c_stops_everything_and_the_second_start_keeps_the_data(demo):
    port = free_port()
    run = demo("demo", "--port", str(port))
    try:
        page = _first_answer(f"http://localhost:{port}/skills/", run)
        assert "skill-row" in page
        run.send_signal(signal.SIGINT)
        # Idle, it stops within seconds; a busy worker would take as long as its tasks.
        told, _ = run.communicate(timeout=20)
    finally:
        run.kill()

    assert run.returncode == 0, told
    assert "Web server and worker are stopped; the data stay." in told
    assert "The database is stopped." in told
    assert not _answers(port)
    assert _left_running(demo.data) == []
    status = demo("devdb", "status")
    assert "stopped" in status.communicate(timeout=60)[0]


def test_the_command_for_a_token_works_as_it_is_printed(demo):
    run = demo("demo", "--port", str(port := free_port()))
    try:
        _first_answer(f"http://localhost:{port}/readyz", run)
        told = "".join(itertools.takewhile(lambda line: "Ctrl-C" not in line, run.stdout))
        assert "by a demo model on this machine" in told
        (command,) = re.findall(r"token  +(.*)", told)
        plain = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
        made = subprocess.run(
            command,
            check=False,
            shell=True,
            cwd=ROOT,
            env=plain,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)

    assert made.stdout.startswith("skb_"), made.stderr


def test_a_key_that_is_set_is_used_and_no_stand_in_started(demo):
    # Nobody listens there: nothing is sent anywhere.
    real = {"OPENAI_API_KEY": "sk-invented", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    run = demo("demo", "--port", str(free_port()), **real)
    try:
        told = "".join(itertools.takewhile(lambda line: "Ctrl-C" not in line, run.stdout))
        commands = _left_running(demo.data)
    finally:
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)

    assert "by gpt-4.1-mini at 127.0.0.1, with your OPENAI_API_KEY" in told
    assert "sk-invented" not in told
    assert any("worker" in command for command in commands)
    assert not any("demo_model" in command for command in commands)


@pytest.mark.parametrize("port", ["99999", "65536", "0", "-1"])
def test_a_port_that_cannot_be_is_a_sentence(demo, port):
    told, _ = (run := demo("demo", f"--port={port}")).communicate(timeout=60)

    assert run.returncode == 1
    assert "A port is a number from 1 to 65535" in told
    assert "Traceback" not in told


def test_a_taken_port_is_said_before_anything_starts(demo):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = demo("demo", "--port", str(port))
        told, _ = run.communicate(timeout=60)

    assert run.returncode == 1
    assert f"PORT={port + 1}" in told


def _first_answer(url: str, run: subprocess.Popen[str]) -> str:
    end = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            assert run.poll() is None, run.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.3)


def _left_running(data: str) -> list[str]:
    """Return the processes of the product, the database aside, that were started with these data."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            started_with = (process / "environ").read_text().split("\0")
            command = (process / "cmdline").read_text().replace("\0", " ")
        except (OSError, UnicodeDecodeError):
            continue
        if f"SKILLBOARD_DATA_DIR={data}" in started_with and "postgres" not in command:
            found.append(command)
    return found


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
