from django.apps import AppConfig


class ModerationConfig(AppConfig):
    """The staff desk: no models before versions are scanned."""

    name = "moderation"
