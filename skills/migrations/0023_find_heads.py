import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    """Who holds a word in its name, summary or topics."""

    atomic = False

    dependencies = [("skills", "0022_search_heads")]

    operations = [
        AddIndexConcurrently(
            model_name="skillsearch",
            index=django.contrib.postgres.indexes.GinIndex(fields=["head"], name="skillsearch_head"),
        ),
    ]
