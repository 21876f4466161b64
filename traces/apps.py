from django.apps import AppConfig


class TracesConfig(AppConfig):
    """Recorded agent sessions: no models before the traces client is served."""

    name = "traces"
