import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Concat, Now


class Migration(migrations.Migration):
    """Holds of whole skills, decisions on single versions: what a skill's standing follows from."""

    dependencies = [
        ("skills", "0007_scanned_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="skillversion",
            name="scanner",
            field=models.CharField(db_default="static", default="static", max_length=8),
        ),
        migrations.AddField(
            model_name="skillversion",
            name="presumed_suspicious",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="skillversion",
            name="decision",
            field=models.CharField(
                blank=True,
                choices=[
                    ("approved", "Approved"),
                    ("caution", "Caution"),
                    ("changes", "Changes requested"),
                    ("hidden", "Hidden"),
                ],
                db_default="",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="SkillHold",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("removed", "Removed by staff"),
                            ("ban", "Its author is banned"),
                            ("hidden", "Hidden by staff"),
                            ("reports", "Hidden by reports"),
                            ("quality", "Held for its quality"),
                        ],
                        max_length=8,
                    ),
                ),
                ("placed_at", models.DateTimeField(db_default=Now())),
                (
                    "placed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "skill",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holds",
                        to="skills.skill",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="skillhold",
            constraint=models.UniqueConstraint(
                models.F("skill"), models.F("kind"), name="skillhold_one_of_a_kind"
            ),
        ),
        # The finder understands the reasons of every scanner.
        migrations.RemoveIndex(model_name="skill", name="skill_reason_out_of_date"),
        migrations.AddIndex(
            model_name="skill",
            index=models.Index(
                condition=models.Q(
                    ("moderation_reason__startswith", "scanner."),
                    models.Q(("latest_scan_state", ""), _negated=True),
                    models.Q(
                        (
                            "moderation_reason__endswith",
                            Concat(models.Value("."), models.F("latest_scan_state")),
                        ),
                        _negated=True,
                    ),
                ),
                fields=["id"],
                name="skill_reason_out_of_date",
            ),
        ),
    ]
