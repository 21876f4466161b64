from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Lists of staff: attempts by trigger and namespace, traces whose summaries are off."""

    atomic = False

    dependencies = [
        ('traces', '0010_traces_by_summary'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='summarylog',
            index=models.Index(fields=['trigger', '-id'], name='summarylog_by_trigger'),
        ),
        AddIndexConcurrently(
            model_name='summarylog',
            index=models.Index(fields=['namespace', '-id'], name='summarylog_of_namespace'),
        ),
        AddIndexConcurrently(
            model_name='trace',
            index=models.Index(condition=models.Q(('summary_gate__in', ['excluded_by_author', 'trace_off', 'staff_off', 'namespace_off'])), fields=['summary_gate', '-id'], name='trace_summary_off'),
        ),
    ]
