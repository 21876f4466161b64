from django.db import migrations, models


class Migration(migrations.Migration):
    """Reports that say in words alone what is wrong; the column stays as it is."""

    dependencies = [("moderation", "0007_decision_log_indexes")]

    operations = [
        migrations.AlterField(
            model_name="report",
            name="kind",
            field=models.CharField(
                choices=[
                    ("malicious", "Malicious"),
                    ("misleading", "Misleading"),
                    ("undeclared", "Needs it does not declare"),
                    ("impersonation", "Impersonation"),
                    ("broken", "Broken"),
                    ("other", "Something else"),
                ],
                max_length=13,
            ),
        ),
    ]
