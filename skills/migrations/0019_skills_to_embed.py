from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What is to be embedded."""

    atomic = False

    dependencies = [("skills", "0018_search_by_meaning")]

    operations = [
        AddIndexConcurrently(
            model_name='skillsearch',
            index=models.Index(condition=models.Q(('text_key', models.F('embedded_key')), _negated=True), fields=['skill'], name='skillsearch_to_embed'),
        ),
    ]
