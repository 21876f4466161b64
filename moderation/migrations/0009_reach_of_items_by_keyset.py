from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Both columns in one direction, so that a row comparison pages through the index."""

    atomic = False

    dependencies = [("moderation", "0008_kind_of_report_other")]

    operations = [
        RemoveIndexConcurrently(model_name="reviewitem", name="reviewitem_by_reach"),
        AddIndexConcurrently(
            model_name="reviewitem",
            index=models.Index(
                condition=models.Q(("state", "open")),
                fields=["-installs_week", "-id"],
                name="reviewitem_by_reach",
            ),
        ),
    ]
