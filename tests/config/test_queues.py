"""The settings of the worker's queues: their arithmetic, and that they fit one another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings as product
from django.core.checks import run_checks
from django.db import connection

from config.management.commands.demo import WEB_PROCESSES, WEB_THREADS
from config.queues import known_queues, queue_settings, stop_seconds

ROOT = Path(__file__).resolve().parents[2]
# The supervisor of the worker, and somebody who looks.
OTHER_CONNECTIONS = 5


def codes() -> list[str]:
    return [message.id for message in run_checks()]


@pytest.mark.parametrize("queue", known_queues())
def test_no_task_is_handed_out_again_while_it_waits_in_memory(queue):
    told = queue_settings(queue)

    # All of the queue's memory is worked off before a task's turn comes, then it takes its time,
    # and the monitor may lag for a while.
    longest_wait = told.timeout * (1 + told.queue_limit / told.workers)
    assert told.retry >= longest_wait + told.timeout + 30
    assert told.retry_needed == longest_wait + told.timeout + 30
    assert told.drain_seconds == longest_wait + 10


def test_a_queue_takes_its_own_settings_before_the_common_ones():
    assert (queue_settings("fold").workers, queue_settings("fold").queue_limit) == (1, 1)
    assert queue_settings("fold").timeout == queue_settings("skillboard").timeout


def test_too_short_a_retry_of_any_queue_is_refused(settings):
    assert "config.E005" not in codes()

    settings.Q_CLUSTER = product.Q_CLUSTER | {"ALT_CLUSTERS": {"slow": {"timeout": 300}}}

    assert codes().count("config.E005") == 1


def test_clusters_of_a_queue_that_nobody_describes_are_refused(settings):
    settings.WORKER_CLUSTERS = {"skillboard": 2, "nowhere": 1}

    assert codes() == ["config.E007"]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"SUMMARY_CALL_SECONDS": 45.0}, "config.E008"),
        ({"SUMMARY_CALL_SECONDS": 0.0}, "config.E008"),
        ({"SUMMARY_PARALLEL": 0}, "config.E009"),
        ({"SUMMARY_QUIET_SECONDS": -1}, "config.E009"),
        ({"METRICS_TOKEN": "short"}, "config.E010"),
        ({"OPENAI_API_KEY": "key", "WORKER_CLUSTERS": {"skillboard": 2, "fold": 1}}, "config.W001"),
    ],
)
def test_settings_that_would_not_end_well_are_told(settings, told, code):
    for name, value in told.items():
        setattr(settings, name, value)

    assert codes() == [code]


def test_every_queue_is_served_and_the_default_one_by_two_clusters():
    assert set(known_queues()) == set(product.WORKER_CLUSTERS)
    assert product.WORKER_CLUSTERS["skillboard"] >= 2


def test_compose_gives_the_worker_time_to_drain():
    worker = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["worker"]

    assert worker["command"] == ["python", "manage.py", "worker"]
    assert int(worker["stop_grace_period"].removesuffix("s")) > stop_seconds()


def test_web_and_worker_together_leave_a_fifth_of_the_connections(db):
    web = re.search(
        r'"--workers", "(\d+)", "--threads", "(\d+)"', (ROOT / "Dockerfile").read_text()
    )
    assert web
    of_web = max(int(web[1]) * int(web[2]), WEB_PROCESSES * WEB_THREADS)
    of_worker = sum(
        clusters * queue_settings(queue).connections
        for queue, clusters in product.WORKER_CLUSTERS.items()
    )
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        [offered] = cursor.fetchone()

    assert of_worker == 2 * (2 + 3) + 1 * (1 + 3) + 1 * (2 + 3) + 1 * (1 + 3)
    assert of_web + of_worker + OTHER_CONNECTIONS < 0.8 * int(offered)
