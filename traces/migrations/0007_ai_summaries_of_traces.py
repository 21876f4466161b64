from django.db import migrations, models


class Migration(migrations.Migration):
    """What a trace says about its AI summary, and where the work on one stands."""

    dependencies = [
        ('accounts', '0008_ai_summary_switches_and_caps'),
        ('traces', '0006_lists_without_withheld_traces'),
    ]

    operations = [
        migrations.AddField(
            model_name='trace',
            name='conversation_bytes',
            field=models.PositiveBigIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='trace',
            name='namespace_summarises',
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_asked_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_attempts',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_off_by_staff',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_model',
            field=models.CharField(blank=True, db_default='', max_length=100),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_prompt_version',
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_state',
            field=models.CharField(choices=[('idle', 'Nothing asked'), ('queued', 'Asked for'), ('running', 'Being written'), ('retrying', 'Tried again soon'), ('waiting', 'Waits for budget'), ('failed', 'Failed')], db_collation='C', db_default='idle', default='idle', max_length=8),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_token',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='trace',
            name='summary_gate',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(models.Q(('unpublished_at__isnull', False)), then=models.Value('unpublished')), models.When(models.Q(('is_withheld', True)), then=models.Value('withheld')), models.When(models.Q(('exclude_from_ai', True)), then=models.Value('excluded_by_author')), models.When(models.Q(('visibility', 'private')), then=models.Value('private')), models.When(models.Q(('ai_summary_enabled', False)), then=models.Value('trace_off')), models.When(models.Q(('summary_off_by_staff', True)), then=models.Value('staff_off')), models.When(models.Q(('namespace_summarises', False)), then=models.Value('namespace_off')), default=models.Value('open')), output_field=models.CharField(choices=[('unpublished', 'Taken back'), ('withheld', 'Withheld by a ban'), ('excluded_by_author', 'Excluded by its author'), ('private', 'Private'), ('trace_off', 'Off for the trace'), ('staff_off', 'Off for the trace by staff'), ('namespace_off', 'Off for its namespace'), ('open', 'Open')], db_collation='C', max_length=18)),
        ),
    ]
