"""The arithmetic of the worker's queues, read from `Q_CLUSTER` as django-q2 reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

# Beside its workers a cluster has a guard, a pusher and a monitor, each with a connection.
EXTRA_CONNECTIONS_OF_CLUSTER = 3


@dataclass(frozen=True)
class QueueSettings:
    """What the clusters of one queue are run with; times in seconds."""

    workers: int
    queue_limit: int
    timeout: int
    retry: int

    @property
    def retry_needed(self) -> float:
        """Return the least `retry` with which no task is handed out twice while it waits."""
        return self.timeout * (2 + self.queue_limit / self.workers) + 30

    @property
    def drain_seconds(self) -> float:
        """Return how long a cluster may take to end the tasks it runs and those it fetched."""
        return self.timeout * (1 + self.queue_limit / self.workers) + 10

    @property
    def connections(self) -> int:
        """Return how many database connections one cluster holds."""
        return self.workers + EXTRA_CONNECTIONS_OF_CLUSTER


def known_queues() -> tuple[str, ...]:
    """Return every queue the settings describe, the default one first."""
    return (settings.Q_CLUSTER["name"], *settings.Q_CLUSTER["ALT_CLUSTERS"])


def queue_settings(queue: str) -> QueueSettings:
    """Return the settings of a queue: the default ones, and over them its own."""
    own: dict[str, Any] = settings.Q_CLUSTER["ALT_CLUSTERS"].get(queue, {})
    told = settings.Q_CLUSTER | own
    return QueueSettings(told["workers"], told["queue_limit"], told["timeout"], told["retry"])


def stop_seconds() -> float:
    """Return how long the worker may take to stop: until the slowest of its clusters is empty."""
    served = (queue for queue, clusters in settings.WORKER_CLUSTERS.items() if clusters)
    return max((queue_settings(queue).drain_seconds for queue in served), default=0)
