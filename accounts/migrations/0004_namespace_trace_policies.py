"""What a namespace lets its members share, and whether summaries are made of it."""

import accounts.models
import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_users_by_display_name'),
    ]

    operations = [
        migrations.AddField(
            model_name='namespace',
            name='ai_summary_enabled',
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name='namespace',
            name='trace_policy',
            field=models.CharField(choices=[('clamp', 'Make it as open as allowed, never more than asked'), ('reject', 'Refuse the upload')], db_default='clamp', default='clamp', max_length=8),
        ),
        migrations.AddField(
            model_name='namespace',
            name='trace_visibilities',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('public', 'Public'), ('direct', 'Anybody with the link'), ('private', 'Members only')], max_length=8), db_default=['public', 'direct', 'private'], default=accounts.models.all_visibilities, size=None),
        ),
    ]
