import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """VirusTotal as a second scanner, and what it said of each content."""

    dependencies = [
        ("moderation", "0004_reason_templates"),
    ]

    operations = [
        migrations.CreateModel(
            name="VirusTotalReport",
            fields=[
                (
                    "blob",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="virustotal_report",
                        serialize=False,
                        to="skills.blob",
                    ),
                ),
                ("malicious", models.PositiveSmallIntegerField(default=0)),
                ("suspicious", models.PositiveSmallIntegerField(default=0)),
                ("engines", models.PositiveSmallIntegerField(default=0)),
                ("asked_at", models.DateTimeField(db_default=Now())),
            ],
        ),
        migrations.AddField(
            model_name="scan",
            name="note",
            field=models.CharField(blank=True, db_default="", max_length=200),
        ),
        migrations.AddField(
            model_name="scan",
            name="polls",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="scan",
            name="recheck_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name="scan",
            name="scanner",
            field=models.CharField(
                choices=[("static", "Static rules"), ("vt", "VirusTotal")],
                default="static",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="scan",
            name="status",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("running", "Running"),
                    ("clean", "Clean"),
                    ("suspicious", "Suspicious"),
                    ("malicious", "Malicious"),
                    ("failed", "Failed"),
                    ("unknown", "Not known"),
                ],
                default="pending",
                max_length=10,
            ),
        ),
    ]
