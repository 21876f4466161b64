from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index that the scans of a day are counted from."""

    atomic = False

    dependencies = [("skills", "0006_scan_evidence")]

    operations = [
        AddIndexConcurrently(
            model_name="skillversion",
            index=models.Index(
                fields=["scanned_at"],
                name="skillversion_scanned",
                condition=models.Q(scanned_at__isnull=False),
            ),
        ),
    ]
