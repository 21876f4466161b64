import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Settings, budgets and attempts."""

    dependencies = [
        ('accounts', '0008_ai_summary_switches_and_caps'),
        ('jobs', '0002_options_of_runs'),
        ('traces', '0007_ai_summaries_of_traces'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SummaryBudget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('spent_tokens', models.PositiveBigIntegerField(db_default=0, default=0)),
                ('reserved_tokens', models.PositiveBigIntegerField(db_default=0, default=0)),
                ('spent_micros', models.PositiveBigIntegerField(db_default=0, default=0)),
                ('reserved_micros', models.PositiveBigIntegerField(db_default=0, default=0)),
            ],
        ),
        migrations.CreateModel(
            name='SummaryLog',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('trigger', models.CharField(choices=[('batch', 'Upload'), ('sweep', 'Sweep'), ('author', 'Author'), ('staff', 'Staff'), ('run', 'Run'), ('command', 'Command line')], max_length=8)),
                ('attempt', models.PositiveSmallIntegerField(default=1)),
                ('generation', models.PositiveIntegerField()),
                ('message_count', models.PositiveIntegerField()),
                ('token', models.UUIDField(null=True)),
                ('model', models.CharField(blank=True, max_length=100)),
                ('prompt_version', models.PositiveSmallIntegerField(default=0)),
                ('redactions', models.PositiveIntegerField(default=0)),
                ('day', models.DateField()),
                ('reserved_tokens', models.PositiveIntegerField(default=0)),
                ('reserved_micros', models.PositiveBigIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('outcome', models.CharField(choices=[('running', 'Under way'), ('stored', 'Stored'), ('skipped', 'Skipped'), ('deferred', 'Deferred'), ('discarded', 'Discarded'), ('failed', 'Failed'), ('lost', 'Lost')], db_collation='C', default='running', max_length=9)),
                ('error', models.CharField(blank=True, choices=[('timeout', 'Timeout'), ('connection', 'Connection lost'), ('rate_limited', 'Rate limited'), ('server_error', "Error of the model's server"), ('quota', 'Quota used up'), ('key_refused', 'Key refused'), ('model_missing', 'Model not found'), ('bad_request', 'Request refused'), ('too_long', 'Text too long'), ('truncated', 'Answer cut off'), ('filtered', 'Content filter'), ('refused', 'Model refused'), ('empty', 'Empty answer'), ('wrong_shape', 'Wrong shape'), ('not_json', 'Not JSON'), ('unexpected', 'Unexpected'), ('worker_died', 'Worker died'), ('unpriced', 'No price known'), ('over_budget', 'Over budget'), ('switched_off', 'Switched off'), ('taken_over', 'Taken over'), ('nothing_new', 'Nothing new'), ('no_text', 'No conversation')], db_collation='C', max_length=14)),
                ('http_status', models.PositiveSmallIntegerField(null=True)),
                ('provider_code', models.CharField(blank=True, max_length=60)),
                ('request_id', models.CharField(blank=True, max_length=100)),
                ('input_tokens', models.PositiveIntegerField(default=0)),
                ('output_tokens', models.PositiveIntegerField(default=0)),
                ('has_usage', models.BooleanField(default=False)),
                ('charged_tokens', models.PositiveIntegerField(default=0)),
                ('cost_micros', models.PositiveBigIntegerField(default=0)),
                ('latency_ms', models.PositiveIntegerField(default=0)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SummarySettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_enabled', models.BooleanField(default=True)),
                ('daily_token_cap', models.PositiveBigIntegerField(default=1200000)),
                ('daily_micro_cap', models.PositiveBigIntegerField(default=2000000)),
                ('circuit_until', models.DateTimeField(null=True)),
                ('circuit_reason', models.CharField(blank=True, max_length=300)),
                ('coverage', models.JSONField(default=dict)),
                ('covered_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='summarybudget',
            name='namespace',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.namespace'),
        ),
        migrations.AddField(
            model_name='summarylog',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='summarylog',
            name='namespace',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.namespace'),
        ),
        migrations.AddField(
            model_name='summarylog',
            name='run',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.jobrun'),
        ),
        migrations.AddField(
            model_name='summarylog',
            name='trace',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='summary_logs', to='traces.trace'),
        ),
        migrations.AddConstraint(
            model_name='summarysettings',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='summarysettings_one_row'),
        ),
        migrations.AddConstraint(
            model_name='summarybudget',
            constraint=models.UniqueConstraint(models.F('namespace'), models.F('day'), name='summarybudget_once_per_day', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='summarylog',
            index=models.Index(fields=['trace', '-id'], name='summarylog_of_trace'),
        ),
        migrations.AddIndex(
            model_name='summarylog',
            index=models.Index(fields=['outcome', '-id'], name='summarylog_by_outcome'),
        ),
        migrations.AddIndex(
            model_name='summarylog',
            index=models.Index(condition=models.Q(('error', ''), _negated=True), fields=['error', '-id'], name='summarylog_by_error'),
        ),
        migrations.AddIndex(
            model_name='summarylog',
            index=models.Index(fields=['run', '-id'], name='summarylog_of_run'),
        ),
        migrations.AddIndex(
            model_name='summarylog',
            index=models.Index(condition=models.Q(('outcome', 'running')), fields=['lease_until'], name='summarylog_open'),
        ),
        migrations.AddIndex(
            model_name='summarylog',
            index=models.Index(fields=['-started_at'], name='summarylog_by_time'),
        ),
    ]
