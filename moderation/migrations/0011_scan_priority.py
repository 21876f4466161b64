from django.db import migrations, models


class Migration(migrations.Migration):
    """What is scanned first; what waits already was asked for, as far as anybody knows."""

    dependencies = [("moderation", "0010_proposed_removals")]

    operations = [
        migrations.AddField(
            model_name="scan",
            name="priority",
            field=models.PositiveSmallIntegerField(
                choices=[(0, "Asked for"), (1, "Of all versions")], db_default=0, default=0
            ),
        ),
    ]
