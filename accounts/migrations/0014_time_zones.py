from django.db import migrations, models


class Migration(migrations.Migration):
    """In which time zone a person is told exact times."""

    dependencies = [("accounts", "0013_handles_by_look")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="time_zone",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
    ]
