from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Recurring and long work: schedules, runs, the worker."""

    name = "jobs"
