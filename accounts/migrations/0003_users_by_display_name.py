from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Collate, Lower


class Migration(migrations.Migration):
    """The index by which staff find people whose display name begins so."""

    atomic = False

    dependencies = [("accounts", "0002_audit_events_are_append_only")]

    operations = [
        AddIndexConcurrently(
            model_name="user",
            index=models.Index(
                Collate(Lower("display_name"), "C"), "id", name="user_by_display_name"
            ),
        ),
    ]
