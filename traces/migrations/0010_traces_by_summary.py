from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """What the sweep looks at, what waits for budget, and what failed."""

    atomic = False

    dependencies = [
        ('traces', '0009_fill_ai_summaries'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='trace',
            index=models.Index(condition=models.Q(('summary_due_at__isnull', False), ('summary_gate', 'open')), fields=['summary_due_at', 'id'], name='trace_summary_timed'),
        ),
        AddIndexConcurrently(
            model_name='trace',
            index=models.Index(condition=models.Q(('summary_gate', 'open'), ('summary_state', 'waiting')), fields=['id'], name='trace_summary_waiting'),
        ),
        AddIndexConcurrently(
            model_name='trace',
            index=models.Index(condition=models.Q(('summary_gate', 'open'), ('summary_state', 'failed')), fields=['id'], name='trace_summary_failed'),
        ),
    ]
