import django.contrib.postgres.search
from django.db import migrations


class Migration(migrations.Migration):
    """Texts without their readme. Rows that stand follow with the next check of derived fields."""

    dependencies = [("skills", "0021_fold_text")]

    operations = [
        migrations.AddField(
            model_name="skillsearch",
            name="head",
            field=django.contrib.postgres.search.SearchVectorField(null=True),
        ),
    ]
