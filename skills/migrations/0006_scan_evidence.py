from django.db import migrations, models


class Migration(migrations.Migration):
    """The worst findings of a version's last scan, beside its state."""

    dependencies = [("skills", "0005_totals_of_owner")]

    operations = [
        migrations.AddField(
            model_name="skillversion",
            name="scan_evidence",
            field=models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
    ]
