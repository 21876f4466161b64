from django.apps import AppConfig


class TracesConfig(AppConfig):
    """Recorded agent sessions: their messages, pages and the calls of the traces client."""

    name = "traces"

    def ready(self) -> None:
        from traces import derived, metrics, sitemaps  # noqa: F401  (they register themselves)
