"""System checks with stable ids: what is missing is said before anything runs into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Doubt
from django.core.exceptions import FieldDoesNotExist
from django.db import connection

from config.derived import REGISTRY, DerivedField, DerivedQuerySet
from config.queues import known_queues, queue_settings

MIN_POSTGRESQL: Final = 18_00_00
METRICS_TOKEN_LENGTH: Final = 20
EXTENSIONS: Final = ("vector", "pg_trgm", "unaccent", "pg_stat_statements")


@register(Tags.database)
def check_postgresql(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """E001: too old a server. E002: an extension the server does not offer."""
    if not databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        version = int(cursor.fetchone()[0])
        cursor.execute("SELECT name FROM pg_available_extensions")
        offered = {row[0] for row in cursor.fetchall()}
    found: list[CheckMessage] = []
    if version < MIN_POSTGRESQL:
        found.append(
            Error(
                f"PostgreSQL {version // 10_000} is too old; 18 or newer is needed.",
                hint="Unset DATABASE_URL to use the embedded one.",
                id="config.E001",
            )
        )
    found.extend(
        Error(
            f"The PostgreSQL extension {name} is not installed on the server.",
            hint="Install it (pgvector and contrib packages), then run migrate.",
            id="config.E002",
        )
        for name in EXTENSIONS
        if name not in offered
    )
    return found


@register(Tags.models)
def check_derived_fields(**_: Any) -> list[CheckMessage]:
    """E003: a derived column that forms could write. E004: a rule for a missing column.

    E006: a model that feeds a rule but whose bulk doors would not refresh it.
    """
    found: list[CheckMessage] = []
    for derived in REGISTRY:
        if not isinstance(derived, DerivedField):
            continue
        try:
            column = apps.get_model(derived.target)._meta.get_field(derived.name)
        except (FieldDoesNotExist, LookupError):
            found.append(Error(f"{derived.label} does not exist.", id="config.E004"))
            continue
        if getattr(column, "editable", False):
            found.append(Error(f"{derived.label} must be editable=False.", id="config.E003"))
    sources = sorted({label for derivation in REGISTRY for label in derivation.sources})
    found.extend(
        Error(f"{label}.objects must be a DerivedQuerySet.", id="config.E006")
        for label in sources
        if not isinstance(apps.get_model(label)._default_manager.all(), DerivedQuerySet)
    )
    return found


@register()
def check_queues(**_: Any) -> list[CheckMessage]:
    """E005: a task could be handed out again while it still waits in a worker's memory.

    E007: clusters of a queue that `Q_CLUSTER` does not describe would stop at their start.
    """
    found: list[CheckMessage] = []
    for queue in known_queues():
        told = queue_settings(queue)
        if told.retry < told.retry_needed:
            needed = f"retry of the queue {queue} must be at least {told.retry_needed:.0f} s."
            found.append(Error(f"Q_CLUSTER: {needed}", id="config.E005"))
    found.extend(
        Error(f"WORKER_CLUSTERS: there is no queue {queue}.", id="config.E007")
        for queue in sorted(settings.WORKER_CLUSTERS.keys() - set(known_queues()))
    )
    return found


@register()
def check_summaries(**_: Any) -> list[CheckMessage]:
    """E008: a model's call could outlive the worker's task. E009: numbers that write nothing.

    W001: a key is set, and no cluster would ever use it.
    """
    found: list[CheckMessage] = []
    limit = queue_settings("ai").timeout
    if not 0 < 2 * settings.SUMMARY_CALL_SECONDS < limit:
        needed = f"must be above 0 and below {limit / 2:g}, half the worker's time limit."
        found.append(Error(f"SUMMARY_CALL_SECONDS {needed}", id="config.E008"))
    if settings.SUMMARY_PARALLEL < 1 or settings.SUMMARY_QUIET_SECONDS < 0:
        told = "SUMMARY_PARALLEL is at least 1, and SUMMARY_QUIET_SECONDS at least 0."
        found.append(Error(told, id="config.E009"))
    if settings.OPENAI_API_KEY and not settings.WORKER_CLUSTERS.get("ai"):
        found.append(
            Doubt(
                "OPENAI_API_KEY is set, but no cluster serves the queue ai.",
                hint="Add ai=1 to WORKER_CLUSTERS, or no summary is written.",
                id="config.W001",
            )
        )
    return found


@register()
def check_metrics(**_: Any) -> list[CheckMessage]:
    """E010: a token for `/metrics` that could be guessed."""
    token = settings.METRICS_TOKEN
    if not token or len(token) >= METRICS_TOKEN_LENGTH:
        return []
    told = f"METRICS_TOKEN has at least {METRICS_TOKEN_LENGTH} characters, or is not set at all."
    return [Error(told, id="config.E010")]
