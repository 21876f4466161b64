from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of waiting scans in the order in which they are taken up."""

    atomic = False

    dependencies = [("moderation", "0011_scan_priority")]

    operations = [
        AddIndexConcurrently(
            model_name="scan",
            index=models.Index(
                fields=["scanner", "priority", "due_at", "id"],
                name="scan_waiting_by_priority",
                condition=models.Q(status__in=("pending", "running")),
            ),
        ),
        RemoveIndexConcurrently(model_name="scan", name="scan_waiting_of_scanner"),
    ]
