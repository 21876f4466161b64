from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class JobsConfig(AppConfig):
    """Recurring and long work: schedules, runs, the worker."""

    name = "jobs"

    def ready(self) -> None:
        from jobs import metrics  # noqa: F401  (it registers itself)

        post_migrate.connect(_make_schedule_rows, sender=self, dispatch_uid="jobs.schedules")


def _make_schedule_rows(**_: Any) -> None:
    from jobs.schedules import synchronize

    synchronize()
