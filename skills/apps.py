from django.apps import AppConfig


class SkillsConfig(AppConfig):
    """Skills, their versions and files, and every list of them."""

    name = "skills"

    def ready(self) -> None:
        from skills import derived, sitemaps  # noqa: F401  (they register themselves)
