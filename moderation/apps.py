from django.apps import AppConfig


class ModerationConfig(AppConfig):
    """Scans of versions, and the staff desk to come."""

    name = "moderation"
