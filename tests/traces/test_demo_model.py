"""`manage.py demo_model`: the stand-in for a model, as the demo starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from traces import summarizer
from traces.prices import DEMO_MODEL
from traces.summarizer import Answer, Request

ROOT = Path(__file__).parents[2]


def test_it_answers_in_a_process_of_its_own_and_ends_when_asked_to(settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.OPENAI_API_KEY, settings.SUMMARY_MODEL = "demo", DEMO_MODEL
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{port}/v1"
    command = [sys.executable, "manage.py", "demo_model", "--port", str(port)]
    env = {**os.environ, "SKILLBOARD_DEMO": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}

    with subprocess.Popen(command, cwd=ROOT, env=env) as server:
        try:
            _await(port, server)
            [told] = summarizer.ask_all(
                [Request("Person: Sort the tide tables, please.\nAgent: Done.")]
            )
            server.terminate()
            server.wait(60)
        finally:
            server.kill()

    assert isinstance(told, Answer), told
    assert told.title == "Sort the tide tables, please"
    assert server.returncode == -signal.SIGTERM


def test_it_belongs_to_the_demo(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="make demo"):
        call_command("demo_model", port=0)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_be_is_a_sentence(settings, port):
    settings.DEMO = True

    with pytest.raises(CommandError, match="cannot be used"):
        call_command("demo_model", port=port)


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)
