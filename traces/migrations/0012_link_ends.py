from django.db import migrations, models


class Migration(migrations.Migration):
    """When the link of a trace ends; the last release knows no end and leaves it alone."""

    dependencies = [("traces", "0011_lists_of_summaries")]

    operations = [
        migrations.AddField(
            model_name="trace",
            name="link_ends_at",
            field=models.DateTimeField(null=True),
        ),
    ]
