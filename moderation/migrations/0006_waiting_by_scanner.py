from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Each scanner reads its own queue, so that one that is slow stands in nobody's way."""

    atomic = False

    dependencies = [("moderation", "0005_virustotal")]

    operations = [
        AddIndexConcurrently(
            model_name="scan",
            index=models.Index(
                fields=["scanner", "due_at", "id"],
                name="scan_waiting_of_scanner",
                condition=models.Q(status__in=("pending", "running")),
            ),
        ),
        AddIndexConcurrently(
            model_name="scan",
            index=models.Index(
                fields=["recheck_at", "id"],
                name="scan_recheck",
                condition=models.Q(recheck_at__isnull=False),
            ),
        ),
        RemoveIndexConcurrently(model_name="scan", name="scan_waiting"),
    ]
