from __future__ import annotations

from typing import Any

from django.db import migrations

OURS = "It reads like the name of this site, of its tools or of its team."
SLUGS = ("agent-skills", "claw-hub", "clawd-hub", "security-team", "skill-board", "trust-and-safety")


def reserve(apps: Any, _editor: Any) -> None:
    rows = apps.get_model("skills", "ReservedSlug").objects
    # Of ours it may be that staff reserved one by hand, where this runs again.
    rows.bulk_create([rows.model(slug=slug, reason=OURS) for slug in SLUGS], ignore_conflicts=True)


class Migration(migrations.Migration):
    """A short list to begin with, of what the rules of skills/slugs.py do not catch."""

    dependencies = [("skills", "0012_gates")]

    operations = [migrations.RunPython(reserve, migrations.RunPython.noop)]
