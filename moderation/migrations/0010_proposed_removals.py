from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of what is proposed to be removed."""

    atomic = False

    dependencies = [("moderation", "0009_reach_of_items_by_keyset")]

    operations = [
        AddIndexConcurrently(
            model_name="reviewitem",
            index=models.Index(
                fields=["id"],
                name="reviewitem_proposed",
                condition=models.Q(state="open", proposal__isnull=False),
            ),
        ),
    ]
