from django.db import migrations, models


class Migration(migrations.Migration):
    """Whether a ban withholds a trace."""

    dependencies = [("traces", "0003_message_of_tool")]

    operations = [
        migrations.AddField(
            model_name="trace",
            name="is_withheld",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
