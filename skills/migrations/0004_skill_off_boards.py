from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """The index of what boards leave out."""

    atomic = False

    dependencies = [("skills", "0003_counting")]

    operations = [
        AddIndexConcurrently(
            model_name="skill",
            index=models.Index(
                name="skill_off_boards",
                fields=["id"],
                condition=~Q(moderation_status="active")
                | Q(soft_deleted_at__isnull=False)
                | Q(latest_version_summary__isnull=True)
                | Q(
                    is_suspicious=False,
                    moderation_reason__regex="^scanner[.].*(pending|running|failed)$",
                ),
            ),
        ),
    ]
