from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index by which the page of a namespace lists its keys."""

    atomic = False

    dependencies = [("accounts", "0006_device_logins_and_invites")]

    operations = [
        AddIndexConcurrently(
            model_name="apitoken",
            index=models.Index(
                fields=["namespace", "-id"],
                name="apitoken_of_namespace",
                condition=models.Q(("namespace__isnull", False)),
            ),
        ),
    ]
