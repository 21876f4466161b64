from django.db import migrations, models


class Migration(migrations.Migration):
    """What all skills were downloaded in the window of a board, which the home page shows."""

    dependencies = [("skills", "0003_counting")]

    operations = [
        migrations.AddField(
            model_name="leaderboard",
            name="window_downloads",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
    ]
