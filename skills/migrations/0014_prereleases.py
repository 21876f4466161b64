from django.db import migrations, models


class Migration(migrations.Migration):
    """Which versions their authors published beside `latest`; of older ones nobody noted it."""

    dependencies = [("skills", "0013_reserved_slugs")]

    operations = [
        migrations.AddField(
            model_name="skillversion",
            name="is_prerelease",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
