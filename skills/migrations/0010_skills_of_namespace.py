from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The index of all skills of one owner, hidden ones included."""

    atomic = False

    dependencies = [("skills", "0009_fill_holds_and_decisions")]

    operations = [
        AddIndexConcurrently(
            model_name="skill",
            index=models.Index(fields=["namespace", "-id"], name="skill_of_namespace"),
        ),
    ]
