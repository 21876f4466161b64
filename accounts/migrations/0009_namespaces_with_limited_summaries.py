from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The namespaces whose summaries are off or capped, for the list of staff."""

    atomic = False

    dependencies = [
        ('accounts', '0008_ai_summary_switches_and_caps'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='namespace',
            index=models.Index(condition=models.Q(('ai_summary_enabled', False), ('ai_summary_off_by_staff', True), ('ai_summary_token_cap__isnull', False), ('ai_summary_micro_cap__isnull', False), _connector='OR'), fields=['handle'], name='namespace_summaries_limited'),
        ),
    ]
